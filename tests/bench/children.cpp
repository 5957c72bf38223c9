// Runs /bin/true over and over, through the spawner and by a bare posix_spawn loop, and prints one JSON line:
//   bench_children HOST COUNT AT_A_TIME
// {"spawner": {"per_second": …, "cpu_us": …}, "bare": {…}}. For scripts/bench children.
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>

#include "exec/spawner.hpp"

using namespace fairlead;

namespace {

constexpr const char* kProgram = "/bin/true";

double seconds_since(base::SteadyTime start) {
  return std::chrono::duration<double>(base::steady_now() - start).count();
}

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "bench_children: %s\n", why.c_str());
  std::exit(1);
}

// Of this process and of all that it started and that has ended.
double cpu_seconds() {
  double sum = 0;
  for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage used{};
    ::getrusage(who, &used);
    sum += static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           1e-6 * static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
  }
  return sum;
}

double bare(int count, int at_a_time) {
  const auto start = base::steady_now();
  int started = 0;
  for (int ended = 0; ended < count;) {
    if (started < count && started - ended < at_a_time) {
      char* argv[] = {const_cast<char*>(kProgram), nullptr};
      char* environment[] = {nullptr};
      pid_t pid = 0;
      if (::posix_spawn(&pid, kProgram, nullptr, nullptr, argv, environment) != 0) give_up("posix_spawn");
      ++started;
      continue;
    }
    int status = 0;
    if (::waitpid(-1, &status, 0) < 0) give_up("waitpid");
    ++ended;
  }
  return count / seconds_since(start);
}

// Keeps `at_a_time` children under way until `count` have ended.
class Runner {
 public:
  Runner(loop::Loop& loop, exec::Spawner& spawner, int count)
      : loop_(loop), spawner_(spawner), count_(count) {}
  double run(int at_a_time) {
    const auto start = base::steady_now();
    for (int i = 0; i < at_a_time; ++i) begin();
    loop_.run();
    return count_ / seconds_since(start);
  }

 private:
  void begin() {
    if (started_ == count_) return;
    const int number = started_++;
    core::ChildSpec spec;
    spec.argv = {kProgram};
    calls_[number] = spawner_.start(std::move(spec), [this, number](base::Result<core::ChildResult> result) {
      if (!result.ok()) give_up(result.error().text());
      calls_.erase(number);
      if (++ended_ == count_) return loop_.stop();
      begin();
    });
  }

  loop::Loop& loop_;
  exec::Spawner& spawner_;
  int count_, started_ = 0, ended_ = 0;
  std::map<int, std::unique_ptr<core::ChildCall>> calls_;
};

double spawned(const std::string& host, int count, int at_a_time) {
  loop::Loop loop;
  base::Log log;
  double rate = 0;
  {
    exec::Spawner spawner(loop, log, host);
    Runner(loop, spawner, at_a_time).run(at_a_time);  // the first ones pay for its start
    rate = Runner(loop, spawner, count).run(at_a_time);
    spawner.stop([&] { loop.stop(); });
    loop.run();
  }
  if (!loop.drain(base::Millis(10'000)).ok()) give_up("the spawner does not end");
  return rate;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) give_up("HOST COUNT AT_A_TIME");
  const int count = std::atoi(argv[2]), at_a_time = std::atoi(argv[3]);
  const double before = cpu_seconds();
  const double through = spawned(argv[1], count, at_a_time);
  const double between = cpu_seconds();
  const double plain = bare(count, at_a_time);
  const double after = cpu_seconds();
  std::printf(
      "{\"spawner\": {\"per_second\": %.1f, \"cpu_us\": %.0f}, \"bare\": {\"per_second\": %.1f, \"cpu_us\": "
      "%.0f}}\n",
      through, (between - before) / count * 1e6, plain, (after - between) / count * 1e6);
  return 0;
}
