// pidfd_open(2) and its kin, which glibc 2.36 (Debian 12) declares without C linkage.
#pragma once
#include <fcntl.h>
#include <signal.h>

extern "C" {
#include <sys/pidfd.h>
}
