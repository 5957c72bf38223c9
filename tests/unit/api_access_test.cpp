#include "api/access.hpp"

#include <unistd.h>

#include "cmocka.hpp"

using namespace fairlead;
using core::Role;

namespace {

constexpr std::uint32_t kAnna = 4'000'000'001;  // nobody's, and not ours
constexpr std::uint32_t kBert = 4'000'000'002;
constexpr std::uint32_t kStaff = 50;
constexpr std::uint32_t kAdmins = 51;

// A user database: anna is in staff and admins, bert in nothing but his connection's group.
struct Directory {
  int asked = 0;
  api::LookUp look_up() {
    return [this](std::uint32_t uid, std::uint32_t gid) {
      ++asked;
      if (uid == kAnna) return api::Account{"anna", {gid, kStaff, kAdmins}};
      return api::Account{};
    };
  }
};

core::Config with(std::vector<core::RoleRule> rules) {
  core::Config config;
  config.roles = std::move(rules);
  return config;
}

}  // namespace

static void root_and_the_daemons_own_user_are_operators(void**) {
  Directory directory;
  api::Access access(with({}), directory.look_up());
  assert_true(access.identify(0, 0).role == Role::operator_);
  assert_true(access.identify(::geteuid(), 1).role == Role::operator_);
}

static void whoever_no_rule_names_has_no_role(void**) {
  Directory directory;
  api::Access access(with({{false, kAnna, Role::viewer}, {true, kStaff, Role::viewer}}), directory.look_up());
  assert_true(access.identify(kBert, 7).role == Role::none);
  assert_true(access.identify(UINT32_MAX, UINT32_MAX).role == Role::none);
}

static void a_number_is_a_user_or_a_group_but_never_both(void**) {
  Directory directory;
  api::Access access(with({{true, kBert, Role::operator_}, {false, kStaff, Role::operator_}}),
                     directory.look_up());
  assert_true(access.identify(kBert, 7).role == Role::none);
  assert_true(access.identify(kAnna, 7).role == Role::none);  // in group 50, not user 50
}

static void the_connections_group_and_the_listed_ones_count(void**) {
  Directory directory;
  api::Access access(with({{true, kStaff, Role::viewer}}), directory.look_up());
  assert_true(access.identify(kBert, kStaff).role == Role::viewer);  // its own group
  assert_true(access.identify(kAnna, 7).role == Role::viewer);       // a supplementary one
}

static void of_several_groups_the_one_that_may_most_counts(void**) {
  Directory directory;
  api::Access access(with({{true, kAdmins, Role::operator_}, {true, kStaff, Role::viewer}}),
                     directory.look_up());
  assert_true(access.identify(kAnna, 7).role == Role::operator_);
}

static void a_rule_for_the_user_decides_before_groups(void**) {
  Directory directory;
  api::Access access(with({{true, kAdmins, Role::operator_}, {false, kAnna, Role::viewer}}),
                     directory.look_up());
  assert_true(access.identify(kAnna, 7).role == Role::viewer);
}

static void names_the_caller_for_the_audit(void**) {
  Directory directory;
  api::Access access(with({}), directory.look_up());
  assert_text_equal(access.identify(kAnna, 7).name, "uid:4000000001(anna)");
  assert_text_equal(access.identify(kBert, 7).name, "uid:4000000002");
}

static void asks_the_user_database_once_for_each_user(void**) {
  Directory directory;
  api::Access access(with({{true, kStaff, Role::viewer}}), directory.look_up());
  for (int i = 0; i < 5; ++i) (void)access.identify(kAnna, 7);
  assert_int_equal(directory.asked, 1);
}

static void a_reload_swaps_the_rules_on_commit_only(void**) {
  Directory directory;
  api::Access access(with({{false, kAnna, Role::viewer}}), directory.look_up());
  const auto next = std::make_shared<core::Config>(with({{false, kBert, Role::operator_}}));
  {
    const auto given_up = access.prepare(next);
    assert_true(given_up.ok());
  }
  assert_true(access.identify(kAnna, 7).role == Role::viewer);
  const auto ticket = access.prepare(next);
  (*ticket)->commit();
  assert_true(access.identify(kAnna, 7).role == Role::none);
  assert_true(access.identify(kBert, 7).role == Role::operator_);
  assert_int_equal(directory.asked, 3);  // memberships may have changed: asked anew
}

static void the_real_user_database_knows_root(void**) {
  const auto root = api::look_up_account(0, 0);
  assert_text_equal(root.name, "root");
  assert_false(root.groups.empty());
  const auto nobody = api::look_up_account(kAnna, 7);
  assert_text_equal(nobody.name, "");
  assert_true(nobody.groups.empty());
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(root_and_the_daemons_own_user_are_operators),
      cmocka_unit_test(whoever_no_rule_names_has_no_role),
      cmocka_unit_test(a_number_is_a_user_or_a_group_but_never_both),
      cmocka_unit_test(the_connections_group_and_the_listed_ones_count),
      cmocka_unit_test(of_several_groups_the_one_that_may_most_counts),
      cmocka_unit_test(a_rule_for_the_user_decides_before_groups),
      cmocka_unit_test(names_the_caller_for_the_audit),
      cmocka_unit_test(asks_the_user_database_once_for_each_user),
      cmocka_unit_test(a_reload_swaps_the_rules_on_commit_only),
      cmocka_unit_test(the_real_user_database_knows_root),
  };
  return cmocka_run_group_tests_name("api_access", tests, nullptr, nullptr);
}
