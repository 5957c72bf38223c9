#include "policy/host_process.hpp"

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>
#include <utility>

namespace fairlead::policy {

namespace {
constexpr std::size_t kLongestLine = 4u << 20;
}  // namespace

void HostProcess::Unmap::operator()(core::PolicyPage* page) const {
  ::munmap(page, core::kPolicyPageSize);
}

base::Result<std::unique_ptr<HostProcess>> HostProcess::start(loop::Loop& loop, const std::string& host,
                                                              Handlers handlers) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return base::os_error("socketpair", errno);
  base::UniqueFd ours(ends[0]), theirs(ends[1]);
  base::UniqueFd memory(::memfd_create("fairlead-policy-page", MFD_CLOEXEC));
  if (!memory || ::ftruncate(memory.get(), core::kPolicyPageSize) != 0)
    return base::os_error("memfd for the policy process", errno);
  void* shared = ::mmap(nullptr, core::kPolicyPageSize, PROT_READ, MAP_SHARED, memory.get(), 0);
  if (shared == MAP_FAILED) return base::os_error("mmap of the policy process's page", errno);
  std::unique_ptr<core::PolicyPage, Unmap> page(static_cast<core::PolicyPage*>(shared));

  std::unique_ptr<HostProcess> self(
      new HostProcess(loop, std::move(ours), std::move(page), std::move(handlers)));
  auto process =
      loop::Process::start(loop, "policy-process", host, {"fairlead-host", "policy"},
                           {theirs.get(), memory.get()}, [raw = self.get()](int status, int signal) {
                             raw->lose(signal != 0 ? "it was ended by signal " + std::to_string(signal)
                                                   : "it ended with exit code " + std::to_string(status));
                           });
  if (!process) return process.error();
  self->process_ = std::move(*process);
  self->poll_.want(true, false);
  return self;
}

HostProcess::HostProcess(loop::Loop& loop, base::UniqueFd socket,
                         std::unique_ptr<core::PolicyPage, Unmap> page, Handlers handlers)
    : socket_(std::move(socket), kLongestLine),
      page_(std::move(page)),
      handlers_(std::move(handlers)),
      poll_(loop, "policy-socket", socket_.fd(), [this](loop::Ready ready) {
        if (ready.write) flush();
        if (ready.read) receive();
      }) {}

HostProcess::~HostProcess() = default;

void HostProcess::send(std::string_view line) {
  socket_.queue(line);
}

void HostProcess::flush() {
  if (retired_) return;
  // Its end is told by the process handle or by receive().
  (void)socket_.flush();
  poll_.want(true, socket_.unsent() > 0);
}

void HostProcess::receive() {
  const auto received = socket_.receive();
  while (!retired_) {
    const auto line = socket_.next();
    if (!line) break;
    handlers_.line(*line);
  }
  // A closed socket: its exit status says more, and arrives right after. What broke the protocol is ended
  // here.
  if (received || retired_) return;
  poll_.want(false, false);
  if (received.error().code != base::Code::unavailable) lose(received.error().message);
}

void HostProcess::retire() {
  retired_ = true;
  poll_.want(false, false);
  process_->kill(SIGKILL);
}

base::Millis HostProcess::cpu_used() const {
  clockid_t clock = 0;
  timespec used = {};
  if (::clock_getcpuclockid(pid(), &clock) != 0 || ::clock_gettime(clock, &used) != 0) return base::Millis(0);
  return base::Millis(static_cast<std::int64_t>(used.tv_sec) * 1000 + used.tv_nsec / 1'000'000);
}

void HostProcess::lose(const std::string& why) {
  if (retired_) return;
  poll_.want(false, false);
  if (const auto gone = std::exchange(handlers_.gone, nullptr)) gone(why);
}

}  // namespace fairlead::policy
