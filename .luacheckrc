std = "lua54"
max_line_length = 130
-- What fairlead gives to hook files, and to its own test kit.
read_globals = { "api", "every", "log", "off", "on" }
files["lua/testkit.lua"] = {
  read_globals = { "host_fire", "host_flow_resume", "host_flow_start", "host_flows", "host_seconds", "host_test" },
}
files["**/tests/*.lua"] = { read_globals = { "kit" } }
