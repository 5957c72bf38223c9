// A filter of system calls in the making: libseccomp's context with an owner. A rule that cannot be added
// makes the whole filter bad, which load() and program() then say.
#pragma once
#include <linux/filter.h>
#include <seccomp.h>

#include <cstdint>
#include <initializer_list>
#include <vector>

namespace fairlead::host {

class SeccompFilter {
 public:
  explicit SeccompFilter(std::uint32_t otherwise);  // the action for what no rule names, SCMP_ACT_…
  ~SeccompFilter();
  SeccompFilter(const SeccompFilter&) = delete;
  SeccompFilter& operator=(const SeccompFilter&) = delete;

  // For a call whose arguments meet all of the conditions. A call that this machine does not have is passed
  // over.
  void add(std::uint32_t action, int call, std::initializer_list<scmp_arg_cmp> conditions = {});

  bool load();  // in force from here on
  // For the seccomp(2) of another process; empty when the filter is bad.
  std::vector<sock_filter> program();

 private:
  scmp_filter_ctx filter_;
  bool fine_;
};

}  // namespace fairlead::host
