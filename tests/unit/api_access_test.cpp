#include "api/access.hpp"

#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "cmocka.hpp"
#include "loop/loop.hpp"

using namespace fairlead;
using core::Role;

namespace {

constexpr base::Millis kGenerous{20'000};

constexpr std::uint32_t kAnna = 4'000'000'001;  // nobody's, and not ours
constexpr std::uint32_t kBert = 4'000'000'002;
constexpr std::uint32_t kStaff = 50;
constexpr std::uint32_t kAdmins = 51;

// A user database: anna is in staff and admins, bert in no group.
api::Account look_up(std::uint32_t uid) {
  if (uid == kAnna) return {"anna", {kStaff, kAdmins}};
  if (uid == 0) return {"root", {0}};
  return {};
}

core::Config with(std::vector<core::RoleRule> rules) {
  core::Config config;
  config.roles = std::move(rules);
  return config;
}

// Access on a loop that runs until nobody is being looked up any more.
struct Site {
  explicit Site(std::vector<core::RoleRule> rules, api::LookUp users = look_up)
      : access(std::make_unique<api::Access>(loop, with(std::move(rules)), std::move(users))) {
    settle();
  }
  ~Site() {
    access.reset();
    settle();
  }
  void settle() { assert_true(loop.drain(kGenerous).ok()); }
  core::Caller identify(std::uint32_t uid, std::uint32_t gid) {
    (void)access->identify(uid, gid);
    settle();
    const auto caller = access->identify(uid, gid);
    assert_true(caller.has_value());
    return *caller;
  }
  Role role(std::uint32_t uid, std::uint32_t gid) { return identify(uid, gid).role; }

  loop::Loop loop;
  std::unique_ptr<api::Access> access;
};

// A user database that does not answer until it is told to.
struct SlowUsers {
  std::mutex mutex;
  std::condition_variable changed;
  bool answers = false;
  std::atomic<int> asked = 0;

  api::LookUp look_up() {
    return [this](std::uint32_t uid) {
      ++asked;
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return answers; });
      return ::look_up(uid);
    };
  }
  void answer() {
    const std::lock_guard lock(mutex);
    answers = true;
    changed.notify_all();
  }
};

}  // namespace

static void root_and_the_daemons_own_user_are_operators(void**) {
  Site site({});
  assert_true(site.role(0, 0) == Role::operator_);
  assert_true(site.role(::geteuid(), 1) == Role::operator_);
}

static void whoever_no_rule_names_has_no_role(void**) {
  Site site({{false, kAnna, Role::viewer}, {true, kStaff, Role::viewer}});
  assert_true(site.role(kBert, 7) == Role::none);
  assert_true(site.role(UINT32_MAX, UINT32_MAX) == Role::none);
}

static void a_number_is_a_user_or_a_group_but_never_both(void**) {
  Site site({{true, kBert, Role::operator_}, {false, kStaff, Role::operator_}});
  assert_true(site.role(kBert, 7) == Role::none);
  assert_true(site.role(kAnna, 7) == Role::none);  // in group 50, not user 50
}

static void the_connections_group_and_the_listed_ones_count(void**) {
  Site site({{true, kStaff, Role::viewer}});
  assert_true(site.role(kBert, kStaff) == Role::viewer);  // its own group
  assert_true(site.role(kAnna, 7) == Role::viewer);       // a supplementary one
}

static void of_several_groups_the_one_that_may_most_counts(void**) {
  Site site({{true, kAdmins, Role::operator_}, {true, kStaff, Role::viewer}});
  assert_true(site.role(kAnna, 7) == Role::operator_);
}

static void a_rule_for_the_user_decides_before_groups(void**) {
  Site site({{true, kAdmins, Role::operator_}, {false, kAnna, Role::viewer}});
  assert_true(site.role(kAnna, 7) == Role::viewer);
}

// A rule says of what class a caller is in the audit; root's role cannot be lessened, its class can be told.
static void the_rule_that_decides_tells_the_class(void**) {
  using core::ActorClass;
  Site site({{false, kBert, Role::operator_, ActorClass::automation},
             {false, 0, Role::viewer, ActorClass::automation},
             {true, kStaff, Role::viewer, ActorClass::automation},
             {true, kAdmins, Role::operator_}});
  assert_true(site.identify(kBert, 7).caller_class == ActorClass::automation);
  assert_true(site.identify(0, 0).caller_class == ActorClass::automation);
  assert_true(site.role(0, 0) == Role::operator_);
  assert_true(site.identify(kAnna, 7).caller_class == ActorClass::human);  // by admins
  assert_true(site.identify(4'000'000'003, kStaff).caller_class == ActorClass::automation);
  assert_true(site.identify(4'000'000'003, 7).caller_class == ActorClass::human);
}

static void names_the_caller_for_the_audit(void**) {
  Site site({});
  assert_text_equal(site.identify(kAnna, 7).name, "uid:4000000001(anna)");
  assert_text_equal(site.identify(kBert, 7).name, "uid:4000000002");
}

static void asks_the_user_database_once_for_each_user(void**) {
  std::atomic<int> asked = 0;
  Site site({{true, kStaff, Role::viewer}}, [&](std::uint32_t uid) {
    if (uid == kAnna) ++asked;
    return look_up(uid);
  });
  for (int i = 0; i < 5; ++i) (void)site.identify(kAnna, 7);
  assert_int_equal(asked, 1);
}

static void a_reload_swaps_the_rules_on_commit_only(void**) {
  std::atomic<int> asked = 0;
  Site site({{false, kAnna, Role::viewer}}, [&](std::uint32_t uid) {
    if (uid == kAnna) ++asked;
    return look_up(uid);
  });
  const auto next = std::make_shared<core::Config>(with({{false, kBert, Role::operator_}}));
  {
    const auto given_up = site.access->prepare(next);
    assert_true(given_up.ok());
  }
  assert_true(site.role(kAnna, 7) == Role::viewer);
  const auto ticket = site.access->prepare(next);
  (*ticket)->commit();
  assert_true(site.role(kAnna, 7) == Role::none);
  assert_true(site.role(kBert, 7) == Role::operator_);
  assert_int_equal(asked, 2);  // memberships may have changed: asked anew
}

// A directory server that hangs used to halt the loop, for root and the daemon's own user too.
static void a_user_database_that_hangs_holds_up_only_whom_it_must_tell_about(void**) {
  SlowUsers users;
  loop::Loop loop;
  auto access = std::make_unique<api::Access>(
      loop, with({{false, kBert, Role::viewer}, {true, kStaff, Role::operator_}}), users.look_up());
  int told = 0;
  access->set_on_known([&] { ++told; });
  assert_true(access->identify(0, 0)->role == Role::operator_);
  assert_true(access->identify(::geteuid(), 1)->role == Role::operator_);
  assert_true(access->identify(kBert, 7)->role == Role::viewer);
  assert_text_equal(access->identify(kBert, 7)->name, "uid:4000000002");
  for (int i = 0; i < 10; ++i) assert_false(access->identify(kAnna, 7).has_value());
  const auto same = std::make_shared<core::Config>(with({{true, kStaff, Role::operator_}}));
  for (int i = 0; i < 10; ++i) (*access->prepare(same))->commit();
  assert_true(users.asked <= 1);  // one thread of the pool, however many wait and however often one reloads
  assert_int_equal(told, 0);

  users.answer();
  assert_true(loop.drain(kGenerous).ok());
  assert_true(told > 0);
  const auto anna = access->identify(kAnna, 7);
  access.reset();
  assert_true(anna && anna->role == Role::operator_);
}

static void one_that_goes_away_meanwhile_is_not_called_back(void**) {
  SlowUsers users;
  loop::Loop loop;
  auto access = std::make_unique<api::Access>(loop, with({}), users.look_up());
  access->set_on_known([] { fail_msg("called after its end"); });
  (void)access->identify(kAnna, 7);
  access.reset();
  users.answer();
  assert_true(loop.drain(kGenerous).ok());
}

static void the_real_user_database_knows_root(void**) {
  const auto root = api::look_up_account(0);
  assert_text_equal(root.name, "root");
  assert_false(root.groups.empty());
  const auto nobody = api::look_up_account(kAnna);
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
      cmocka_unit_test(the_rule_that_decides_tells_the_class),
      cmocka_unit_test(names_the_caller_for_the_audit),
      cmocka_unit_test(asks_the_user_database_once_for_each_user),
      cmocka_unit_test(a_reload_swaps_the_rules_on_commit_only),
      cmocka_unit_test(a_user_database_that_hangs_holds_up_only_whom_it_must_tell_about),
      cmocka_unit_test(one_that_goes_away_meanwhile_is_not_called_back),
      cmocka_unit_test(the_real_user_database_knows_root),
  };
  return cmocka_run_group_tests_name("api_access", tests, nullptr, nullptr);
}
