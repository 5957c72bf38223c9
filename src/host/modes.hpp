// The modes of `fairlead-host`, the small second executable. The daemon and the CLI start it; nobody else.
// Each mode talks over descriptor 3, a UNIX stream socket that its starter made, and ends when that closes.
#pragma once

namespace fairlead::host {

constexpr int kSocketFd = 3;

int run_spawner();  // spawner.cpp: starts, watches and ends children

}  // namespace fairlead::host
