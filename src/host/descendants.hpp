// The processes below one of ours, found by their parents in /proc (the `children` files there are a kernel
// option that not every machine has). A look is not atomic: what forks meanwhile may be missed, so whoever
// ends a tree looks again until nothing is left. That ends, because a killed process forks no more.
#pragma once
#include <sys/types.h>

#include <set>
#include <vector>

namespace fairlead::host {

struct Descendant {
  pid_t pid = 0;
  pid_t parent = 0;
  pid_t group = 0;
};

// Zombies included. A process in `except`, and what is below it, is left out.
std::vector<Descendant> descendants_of(pid_t root, const std::set<pid_t>& except = {});

// TERM to each, and CONT so that a stopped one can act on it.
void terminate(const std::vector<Descendant>& processes);

// KILL to each, by its process group, so that a group that forks faster than we look ends at once.
void kill_groups(const std::vector<Descendant>& processes);

}  // namespace fairlead::host
