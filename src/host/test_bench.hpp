// What the test kit (lua/testkit.lua) stands on: it fires events and steps flows in the very same hooks, with
// contexts, clocks and answers that a test makes up.
#pragma once
#include <string>
#include <vector>

#include "base/json.hpp"
#include "host/flows.hpp"

namespace fairlead::host {

class TestBench {
 public:
  TestBench(Calls::Parts parts, Calls& calls, Flows& flows);
  TestBench(const TestBench&) = delete;
  TestBench& operator=(const TestBench&) = delete;

  // Runs every test of the test files, with the one library among `files` as `kit`:
  // {"tests": [{"name", "file", "line", "ok", "message"?}], "problems": [{"file", "line", "message"}]}.
  base::Json run(const std::vector<SourceFile>& files);

 private:
  struct Test {
    std::string name, file;
    std::uint32_t file_number;
    int line;
    int function;
  };
  static TestBench& of(lua_State* state);
  static int add_test(lua_State* state);
  static int fire(lua_State* state);
  static int flow_start(lua_State* state);
  static int flow_resume(lua_State* state);
  static int flows(lua_State* state);
  static int seconds(lua_State* state);
  static int check_answers(lua_State* state);
  int push_step(lua_State* state, std::uint64_t id, const Flows::Step& step);
  base::Json run_test(const Test& test);

  Calls::Parts parts_;
  Calls& calls_;
  Flows& flows_;
  std::vector<Test> tests_;
  const SourceFile* file_ = nullptr;  // whose tests are being added
  std::uint64_t next_id_ = 1;
};

}  // namespace fairlead::host
