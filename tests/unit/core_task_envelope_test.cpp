#include <cstdlib>
#include <string>

#include "base/file.hpp"
#include "cmocka.hpp"
#include "core/task_envelope.hpp"

using namespace fairlead;
using namespace std::chrono_literals;

namespace {

base::Result<core::TaskEnvelope> parse(const std::string& text) {
  const auto json = base::Json::parse(text);
  if (!json) fail_msg("the test's own JSON is wrong: %s", text.c_str());
  return core::parse_envelope(json->view());
}

// An envelope with one more field.
std::string with(const std::string& field) {
  return R"({"version":1,"kind":"script",)" + field + "}";
}

}  // namespace

static void the_least_envelope_has_sensible_defaults(void**) {
  const auto envelope = parse(R"({"version":1,"kind":"script"})");
  assert_true(envelope.ok());
  assert_text_equal(envelope->kind, "script");
  assert_text_equal(envelope->capability, "script");
  assert_text_equal(envelope->payload, "{}");
  assert_text_equal(envelope->target, "");
  assert_int_equal(envelope->priority, 100);
  assert_int_equal(envelope->max_attempts, 4);
  assert_true(envelope->timeout == 10min);
  assert_true(envelope->on_lease_loss == core::OnLeaseLoss::stop);
}

static void every_field_is_read_and_comes_back(void**) {
  const auto envelope = parse(R"({"version":1,"kind":"script","payload":{"program":"x","args":["; rm -rf /"]},
    "capability":"gpu","node":"nas","locks":["node:nas","disk:sda/1"],"priority":5,
    "run_at":"2026-03-01T13:00:00+01:00","timeout":"90s","max_attempts":2,"idempotency_key":"k-1",
    "depends_on":[7,3,7],"on_lease_loss":"continue","actor":"anna","actor_class":"human",
    "trace_id":"0123456789abcdef0123456789abcdef"})");
  assert_true(envelope.ok());
  assert_text_equal(envelope->payload, R"({"program":"x","args":["; rm -rf /"]})");
  assert_text_equal(envelope->target, "node:nas");
  assert_text_equal(envelope->locks.at(0), "disk:sda/1");
  assert_text_equal(base::iso8601(*envelope->run_at), "2026-03-01T12:00:00.000Z");
  assert_true(envelope->timeout == 90s);
  assert_int_equal(envelope->depends_on.size(), 2);
  assert_true(envelope->on_lease_loss == core::OnLeaseLoss::carry_on);
  const auto again = core::parse_envelope(core::envelope_json(*envelope).view());
  assert_true(again.ok());
  assert_true(*again == *envelope);
}

static void each_fault_is_named_with_its_cure(void**) {
  struct Row {
    const char* field;
    const char* said;
  };
  constexpr Row kRows[] = {
      {R"("payloda":{})", "payloda: is not a field of an envelope; did you mean \"payload\"?"},
      {R"("capability":"GPU")", "capability: must be 1 to 64 of a-z 0-9 . _ - and begin with a letter"},
      {R"("site":"a b")", "site: must be 1 to 100 of A-Z a-z 0-9 . _ -"},
      {R"("site":"a","node":"b")", "node: cannot stand beside the other of `site` and `node`"},
      {R"("locks":"site:a")", "locks: must be a list of at most 8 locks"},
      {R"("locks":["a:1","a:2","a:3","a:4","a:5","a:6","a:7","a:8","a:9"])", "locks: must be a list"},
      {R"("locks":["attic"])", "a lock is SCOPE:NAME"},
      {R"("locks":["site:a","site:a"])", "locks: names site:a twice"},
      {R"("priority":1001)", "priority: must be a whole number from 0 to 1000"},
      {R"("priority":1.5)", "priority: must be a whole number"},
      {R"("run_at":"tomorrow")", "run_at: must be a time such as"},
      {R"("timeout":0)", "timeout: must be seconds"},
      {R"("timeout":"8d")", "timeout: must be seconds"},
      {R"("max_attempts":0)", "max_attempts: must be a whole number from 1 to 100"},
      {R"("idempotency_key":"a b")", "idempotency_key: must be 1 to 200 visible"},
      {R"("depends_on":["7"])", "a task's id is a whole number"},
      {R"("on_lease_loss":"hope")", "on_lease_loss: must be \"stop\" or \"continue\""},
      {R"("actor":"")", "actor: must be 1 to 100 printable"},
      {R"("actor_class":"robot")", "actor_class: must be"},
      {R"("trace_id":"XYZ")", "trace_id: must be 32 lower-case hex digits"},
  };
  for (const auto& row : kRows) {
    const auto envelope = parse(with(row.field));
    assert_false(envelope.ok());
    assert_true(envelope.error().code == base::Code::bad_request);
    if (envelope.error().message.find(row.said) == std::string::npos)
      fail_msg("%s: said \"%s\"", row.field, envelope.error().message.c_str());
  }
}

static void all_faults_are_told_at_once(void**) {
  const auto envelope = parse(R"({"kind":"X","prioritaet":1,"timeout":-1})");
  assert_false(envelope.ok());
  const auto& message = envelope.error().message;
  for (const char* field : {"version: is missing", "kind: must be", "prioritaet: is not", "timeout: must be"})
    if (message.find(field) == std::string::npos) fail_msg("%s is not in: %s", field, message.c_str());
}

static void a_payload_over_the_limit_is_too_large(void**) {
  const std::string fits(core::kMaxPayload - 2, 'x');
  assert_true(parse(with("\"payload\":\"" + fits + "\"")).ok());
  const auto over = parse(with("\"payload\":\"" + fits + "x\""));
  assert_false(over.ok());
  assert_true(over.error().code == base::Code::too_large);
}

static void the_fingerprint_is_of_what_is_done_and_not_of_who_asks(void**) {
  const auto one =
      parse(with(R"("payload":{"a":1},"idempotency_key":"k","actor":"anna","actor_class":"human")"));
  const auto same =
      parse(with(R"("payload":{"a":1},"idempotency_key":"j","actor":"bert","actor_class":"automation",)"
                 R"("run_at":"2030-01-01T00:00:00Z")"));
  const auto other = parse(with(R"("payload":{"a":2},"idempotency_key":"k")"));
  assert_text_equal(core::envelope_fingerprint(*one), core::envelope_fingerprint(*same));
  assert_string_not_equal(core::envelope_fingerprint(*one).c_str(),
                          core::envelope_fingerprint(*other).c_str());
}

static void the_schema_in_the_docs_is_the_codes(void**) {
  const std::string path = FAIRLEAD_SOURCE_ROOT "/docs/task-envelope.schema.json";
  const auto fresh = core::envelope_schema();
  if (std::getenv("FAIRLEAD_UPDATE_DOCS") != nullptr) {
    assert_true(base::replace_file(path, fresh, 0644).ok());
    return;
  }
  const auto page = base::read_file(path);
  assert_true(page.ok());
  assert_text_equal(*page, fresh);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_least_envelope_has_sensible_defaults),
      cmocka_unit_test(every_field_is_read_and_comes_back),
      cmocka_unit_test(each_fault_is_named_with_its_cure),
      cmocka_unit_test(all_faults_are_told_at_once),
      cmocka_unit_test(a_payload_over_the_limit_is_too_large),
      cmocka_unit_test(the_fingerprint_is_of_what_is_done_and_not_of_who_asks),
      cmocka_unit_test(the_schema_in_the_docs_is_the_codes),
  };
  return cmocka_run_group_tests_name("core_task_envelope", tests, nullptr, nullptr);
}
