// The measuring half of `scripts/bench policy`: asks one hook through the daemon's side of the policy
// process, and calls the same function inside this process by a bare Lua host. Prints one JSON object.
//
//   bench_policy HOST FOLDER COUNT
//
// HOST: fairlead-host; FOLDER: with hooks, one of them for `reconnect`; COUNT: decisions of each kind.
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/log.hpp"
#include "loop/loop.hpp"
#include "policy/generation.hpp"

using namespace fairlead;
using Clock = std::chrono::steady_clock;

namespace {

constexpr const char* kContext =
    R"({"tunnel":{"name":"attic","host":"edge1.example.org","port":22,"actor":"automation"},)"
    R"("reason":"connect_refused","detail":"edge1.example.org:22","patient":false,"attempts":7,"max_attempts":0,)"
    R"("default_delay":4.2,"least_delay":1,"clock":{"unix":1772330400,"year":2026,"month":3,"day":1,"hour":3,)"
    R"("minute":0,"weekday":7,"weekend":true,"iso":"2026-03-01T03:00:00.000Z"},"seed":4711})";

// What a bare host needs to run the same file: the registrations, and the verdicts as tables.
constexpr const char* kBare = R"(
  function api() end
  on = setmetatable({}, { __index = function(_, event)
    return function(_, run) if event == "reconnect" then hook = run end end
  end })
  ctx = {
    tunnel = { name = "attic", host = "edge1.example.org", port = 22, actor = "automation" },
    reason = "connect_refused", detail = "edge1.example.org:22", patient = false, attempts = 7, max_attempts = 0,
    default_delay = 4.2, least_delay = 1, clock = { hour = 3, weekend = true },
    after = function(delay) return { verdict = "after", delay = delay } end,
    stop = function(why) return { verdict = "stop", why = why } end,
  }
)";

double microseconds(Clock::duration took) {
  return std::chrono::duration<double, std::micro>(took).count();
}

struct Figures {
  std::vector<double> each;  // microseconds, where each was measured
  double per_second = 0;
  double part(double p) {
    std::sort(each.begin(), each.end());
    return each.empty() ? 0 : each[static_cast<std::size_t>(p * static_cast<double>(each.size() - 1))];
  }
};

base::Json as_json(Figures figures) {
  base::Json json = base::Json::object();
  json.set("per_second", figures.per_second)
      .set("p50_us", figures.part(0.50))
      .set("p99_us", figures.part(0.99));
  return json;
}

class Asking {
 public:
  Asking(loop::Loop& loop, policy::Generation& generation)
      : loop_(loop), generation_(generation), fields_(std::move(*base::Json::parse(kContext))) {}

  // `together`: asked in one turn of the loop; the next ones when all of these are answered.
  Figures ask(int count, int together) {
    Figures figures;
    left_ = count;
    figures_ = together == 1 ? &figures : nullptr;
    const auto start = Clock::now();
    submit(together);
    loop_.run();
    figures.per_second = count / std::chrono::duration<double>(Clock::now() - start).count();
    return figures;
  }

 private:
  void submit(int together) {
    open_ = together;
    for (int i = 0; i < together; ++i)
      generation_.ask(core::HookEvent::reconnect, fields_, nullptr, false,
                      [this, together, began = Clock::now()](const policy::Generation::Outcome& outcome) {
                        if (!outcome.answer.given) {
                          std::fprintf(stderr, "no verdict: %s\n", outcome.answer.trouble.c_str());
                          std::exit(1);
                        }
                        if (figures_ != nullptr) figures_->each.push_back(microseconds(Clock::now() - began));
                        --left_;
                        if (--open_ > 0) return;
                        if (left_ <= 0) return loop_.stop();
                        submit(together);
                      });
  }

  loop::Loop& loop_;
  policy::Generation& generation_;
  base::Json fields_;
  Figures* figures_ = nullptr;
  int left_ = 0, open_ = 0;
};

Figures call_bare(const std::string& file, int count) {
  lua_State* state = luaL_newstate();
  luaL_openlibs(state);
  std::ifstream in(file);
  std::stringstream text;
  text << in.rdbuf();
  if (luaL_dostring(state, kBare) != LUA_OK || luaL_dostring(state, text.str().c_str()) != LUA_OK) {
    std::fprintf(stderr, "%s\n", lua_tostring(state, -1));
    std::exit(1);
  }
  Figures figures;
  figures.each.reserve(static_cast<std::size_t>(count));
  const auto start = Clock::now();
  for (int i = 0; i < count; ++i) {
    const auto began = Clock::now();
    lua_getglobal(state, "hook");
    lua_getglobal(state, "ctx");
    if (lua_pcall(state, 1, 1, 0) != LUA_OK) std::exit(1);
    lua_pop(state, 1);
    figures.each.push_back(microseconds(Clock::now() - began));
  }
  figures.per_second = count / std::chrono::duration<double>(Clock::now() - start).count();
  lua_close(state);
  return figures;
}

int pss_kb(int pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/smaps_rollup");
  std::string word;
  int value = 0;
  while (in >> word)
    if (word == "Pss:") in >> value;
  return value;
}

}  // namespace

int main(int count_of_arguments, char** arguments) {
  if (count_of_arguments != 4) {
    std::fprintf(stderr, "usage: bench_policy HOST FOLDER COUNT\n");
    return 2;
  }
  const std::string folder = arguments[2];
  const int count = std::atoi(arguments[3]);
  loop::Loop loop;
  base::Log log;
  base::Json result = base::Json::object();
  {
    policy::Deadlines generous;
    generous.standard = base::Millis(5'000);
    auto source = std::make_shared<const policy::Source>(policy::read_source(folder, policy::shipped_lua()));
    policy::Generation generation({loop, log, arguments[1], generous}, 1, source);
    const auto of_a_hook = [](std::size_t, const std::string&) {};
    generation.set_observer({.failed = of_a_hook,
                             .struck = of_a_hook,
                             .logged = of_a_hook,
                             .stepped = [](base::JsonView) {},
                             .restarted = [] {}});
    generation.load([&](const base::Result<policy::Generation::Loaded>& loaded) {
      if (!loaded) {
        std::fprintf(stderr, "%s\n", loaded.error().text().c_str());
        std::exit(1);
      }
      loop.stop();
    });
    loop.run();
    Asking asking(loop, generation);
    asking.ask(100, 1);  // warm
    result.set("single", as_json(asking.ask(count, 1)));
    result.set("bare", as_json(call_bare(folder + "/50-hook.lua", count)));
    result.set("batched", as_json(asking.ask(count, 64)));
    result.set("pss_kb", pss_kb(generation.pid()));
  }
  if (auto drained = loop.drain(base::Millis(5'000)); !drained) std::exit(1);
  std::printf("%s\n", result.dump().c_str());
  return 0;
}
