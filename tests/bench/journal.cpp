// The measuring half of `scripts/bench journal`: prints one JSON object.
//
//   bench_journal FOLDER COUNT
//
// FOLDER must exist and is where the journal is written; COUNT decisions are recorded, of a size that
// decisions have, some with a secret in them.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "core/secrets.hpp"
#include "loop/loop.hpp"
#include "loop/timer.hpp"
#include "store/sqlite/journal.hpp"

using namespace fairlead;
using Clock = std::chrono::steady_clock;

namespace {

constexpr int kTurn = 100;  // recorded in one turn of the loop

core::Decision decision(int number) {
  core::Decision made;
  made.event = "reconnect";
  made.kind = "decide";
  made.context =
      R"({"api":1,"event":"reconnect","clock":{"hour":3,"weekday":"tue","unix":1772330400},"tunnel":{"name":"attic",)"
      R"("host":"edge1.example.org","state":"reconnecting","attempts":)" +
      std::to_string(number % 50) +
      R"(,"last_error":"connection reset by peer","forwards":[{"kind":"remote","bind":"127.0.0.1:8080","target":)"
      R"("127.0.0.1:80"}]},"failure":{"why":"kex","text":"server closed, password=abc)" +
      std::to_string(number) + R"("},"backoff_ms":4000})";
  made.verdict = R"({"verdict":"after","delay_ms":5000,"why":"quiet hours"})";
  made.hook = "20-night.lua:7 patience";
  made.generation = 4;
  made.duration = std::chrono::microseconds(40);
  return made;
}

double seconds(Clock::duration took) {
  return std::chrono::duration<double>(took).count();
}

double redact_mb_per_second() {
  const auto text = decision(0).context;
  std::size_t bytes = 0, out = 0;
  const auto start = Clock::now();
  for (; bytes < (20u << 20); bytes += text.size()) out += core::redact(text).size();
  const auto took = seconds(Clock::now() - start);
  return out > 0 ? static_cast<double>(bytes) / 1e6 / took : 0;
}

}  // namespace

int main(int count_of_arguments, char** arguments) {
  if (count_of_arguments != 3) {
    std::fprintf(stderr, "usage: bench_journal FOLDER COUNT\n");
    return 2;
  }
  const int count = std::atoi(arguments[2]);
  loop::Loop loop;
  base::Log log;
  store::JournalSettings settings;
  settings.path = std::string(arguments[1]) + "/decisions.sqlite";
  settings.sample.per_second = static_cast<std::uint64_t>(count);
  settings.max_queued = static_cast<std::size_t>(count);
  settings.max_queued_bytes = static_cast<std::size_t>(count) * 4'096;
  auto journal = std::make_unique<store::Journal>(loop, log, settings);

  std::vector<double> turns;  // microseconds a record, of each turn
  int recorded = 0;
  const auto start = Clock::now();
  loop::Timer feed(loop, "bench", [&] {
    std::vector<core::Decision> ready;  // made outside of what is measured
    for (int i = 0; i < kTurn; ++i) ready.push_back(decision(recorded + i));
    const auto before = Clock::now();
    for (auto& one : ready) journal->record(std::move(one));
    turns.push_back(seconds(Clock::now() - before) * 1e6 / kTurn);
    recorded += kTurn;
    if (recorded < count) return;
    feed.stop();
    journal->flush(std::chrono::minutes(10), [&](base::Result<> flushed) {
      if (!flushed) std::fprintf(stderr, "%s\n", flushed.error().text().c_str());
      loop.stop();
    });
  });
  feed.start_repeating(base::Millis(1));
  loop.run();
  const auto took = seconds(Clock::now() - start);
  const auto status = journal->status();
  journal.reset();
  static_cast<void>(loop.drain(std::chrono::seconds(10)).ok());
  std::sort(turns.begin(), turns.end());

  base::Json out = base::Json::object();
  out.set("recorded", recorded)
      .set("stored", status.stored)
      .set("dropped", status.dropped + status.left_out)
      .set("record_us_p50", turns[turns.size() / 2])
      .set("record_us_p99", turns[turns.size() * 99 / 100])
      .set("stored_per_second", static_cast<double>(status.stored) / took)
      .set("bytes_each",
           status.stored > 0 ? static_cast<double>(status.bytes) / static_cast<double>(status.stored) : 0.0)
      .set("redact_mb_per_second", redact_mb_per_second());
  std::printf("%s\n", out.dump().c_str());
  return status.stored == static_cast<std::uint64_t>(recorded) ? 0 : 1;
}
