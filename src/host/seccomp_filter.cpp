#include "host/seccomp_filter.hpp"

#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/unique_fd.hpp"

namespace fairlead::host {

SeccompFilter::SeccompFilter(std::uint32_t otherwise)
    : filter_(seccomp_init(otherwise)), fine_(filter_ != nullptr) {}

SeccompFilter::~SeccompFilter() {
  if (filter_ != nullptr) seccomp_release(filter_);
}

void SeccompFilter::add(std::uint32_t action, int call, std::initializer_list<scmp_arg_cmp> conditions) {
  fine_ = fine_ && seccomp_rule_add_array(filter_, action, call, static_cast<unsigned>(conditions.size()),
                                          conditions.begin()) == 0;
}

bool SeccompFilter::load() {
  return fine_ && seccomp_load(filter_) == 0;
}

// libseccomp 2.5 writes it to a descriptor and nowhere else.
std::vector<sock_filter> SeccompFilter::program() {
  const base::UniqueFd file(::memfd_create("filter", MFD_CLOEXEC));
  if (!fine_ || !file || seccomp_export_bpf(filter_, file.get()) != 0) return {};
  const auto size = ::lseek(file.get(), 0, SEEK_END);
  if (size <= 0) return {};
  std::vector<sock_filter> program(static_cast<std::size_t>(size) / sizeof(sock_filter));
  if (::pread(file.get(), program.data(), static_cast<std::size_t>(size), 0) != size) return {};
  return program;
}

}  // namespace fairlead::host
