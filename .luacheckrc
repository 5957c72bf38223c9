-- Every hook file has these globals and no others: lua/luacheck_std.lua is made by scripts/generate-hooks.
stds.fairlead = dofile("lua/luacheck_std.lua")
std = "fairlead"
max_line_length = 130
files["lua/testkit.lua"] = {
  read_globals = {
    "host_check_answers", "host_fire", "host_flow_resume", "host_flow_start", "host_flows", "host_seconds", "host_test",
  },
}
files["**/tests/*.lua"] = { read_globals = { "kit" } }
-- For editors; and hooks that are wrong on purpose.
exclude_files = { "lua/meta/*.lua", "tests/policy/hostile/*.lua" }
