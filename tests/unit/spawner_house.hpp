// The daemon's side of the spawner with the real fairlead-host behind it, and children to start.
#pragma once
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cmocka.hpp"
#include "exec/spawner.hpp"
#include "run_loop.hpp"

namespace fairlead {

using Result = base::Result<core::ChildResult>;

inline core::ChildSpec command(std::vector<std::string> argv) {
  core::ChildSpec spec;
  spec.argv = std::move(argv);
  spec.environment = {{"PATH", "/usr/bin:/bin"}};
  return spec;
}

inline core::ChildSpec script(const std::string& text) {
  return command({"/bin/sh", "-c", text});
}

struct House {
  loop::Loop loop;
  base::Log log;
  std::optional<exec::Spawner> spawner;

  House() : House(std::getenv("FAIRLEAD_TEST_HOST")) {}  // set by meson
  explicit House(const char* host) {
    assert_non_null(host);
    spawner.emplace(loop, log, host);
  }
  ~House() {
    spawner.reset();
    assert_true(loop.drain(std::chrono::seconds(30)).ok());
    assert_int_equal(::waitpid(-1, nullptr, WNOHANG), -1);  // no zombie, nothing running
    assert_int_equal(errno, ECHILD);
  }

  void until(const std::function<bool()>& done) { run_until(loop, done, "what the test waits for"); }

  Result outcome(core::ChildSpec spec) {
    std::optional<Result> result;
    const auto call = spawner->start(std::move(spec), [&](Result got) { result = std::move(got); });
    assert_false(result.has_value());  // never from inside start()
    until([&] { return result.has_value(); });
    return std::move(*result);
  }
};

}  // namespace fairlead
