// A tunnel over the scripted codec: what its attempts count, and what ends the counting.
#include "ssh/tunnel.hpp"

#include <string>
#include <vector>

#include "cmocka.hpp"
#include "protocol/scene.hpp"

using namespace fairlead;
using namespace std::chrono_literals;

namespace {

struct Audit final : core::AuditPort {
  std::vector<core::AuditEntry> entries;
  void append(core::AuditEntry entry) override { entries.push_back(std::move(entry)); }
};

struct Events final : core::EventPort {
  void publish(std::string_view, const base::Json&) override {}
};

class Bench : public test::Scene {
 public:
  explicit Bench(base::Millis stable) {
    shared.session.timing.stable = stable;
    tunnel->reconnect.backoff_initial = 1ms;
    tunnel->reconnect.backoff_max = 2ms;
    line = std::make_unique<ssh::Tunnel>(shared, tunnel, dir.path(), 1, ssh::Tunnel::Bound{});
    assert_true(line->start(nullptr).ok());
  }
  ~Bench() { line.reset(); }

  void up() {
    server_end = peer();
    until("it is connected", [this] { return line->state() == core::TunnelState::connected; });
  }
  // Ends the connection; the attempts that are counted then.
  int lose() {
    const auto before = line->status().reconnects;
    server_end = {};
    until("it has lost the line", [this] { return line->state() != core::TunnelState::connected; });
    assert_int_equal(line->status().reconnects, before);
    return line->status().attempts;
  }

  Audit audit;
  Events events;
  base::Random random{7};
  ssh::HandshakeGate gate{loop, 16};
  ssh::TunnelSite shared{site, audit, events, random, gate, [] { return base::Error{}; }, nullptr};
  base::UniqueFd server_end;
  std::unique_ptr<ssh::Tunnel> line;
};

}  // namespace

static void losses_in_a_row_are_counted(void**) {
  Bench bench(1h);
  for (int expected = 1; expected <= 3; ++expected) {
    bench.up();
    assert_int_equal(bench.lose(), expected);
  }
}

static void a_stable_connection_ends_the_counting(void**) {
  Bench bench(20ms);
  bench.tunnel->reconnect.max_attempts = 0;
  for (int round = 0; round < 2; ++round) {
    bench.up();
    const auto since = base::steady_now();
    bench.until("it has been up for long enough", [&] { return base::steady_now() - since > 60ms; });
    assert_int_equal(bench.lose(), 1);
  }
}

static void a_transition_is_audited_with_what_helps(void**) {
  Bench bench(1h);
  bench.up();
  bench.lose();
  const core::AuditEntry& last = bench.audit.entries.back();
  const auto& why = core::describe(bench.line->status().reason);
  assert_false(why.hint.empty());
  assert_true(last.detail.starts_with(why.text) && last.detail.ends_with("; " + std::string(why.hint)));
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(losses_in_a_row_are_counted),
      cmocka_unit_test(a_stable_connection_ends_the_counting),
      cmocka_unit_test(a_transition_is_audited_with_what_helps),
  };
  return cmocka_run_group_tests_name("tunnel", tests, nullptr, nullptr);
}
