#include "host/guard.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "host/child_setup.hpp"
#include "host/descendants.hpp"
#include "host/pidfd.hpp"
#include "host/private_folder.hpp"
#include "host/task_filter.hpp"

namespace fairlead::host {

namespace {

// Between two looks at a tree that is being killed, when none of its ends wakes us before. The longest is for
// what KILL does not reach at once: a process that waits for a dead disk.
constexpr base::Millis kFirstLook{5}, kLongestLook{320};

// What runs in the guard's process, from the fork to its exit.
class GuardLoop {
 public:
  GuardLoop(const core::ChildSpec& spec, const std::string& private_folder, int control)
      : spec_(spec), private_folder_(private_folder), control_(control) {}
  void run(int in, int out, int err);

 private:
  enum class Phase { running, terminating, killing };
  bool start(int in, int out, int err);
  bool launch_child(ChildSetup setup, int in, int out, int err);
  bool told_to_end() const;
  bool reap();
  void end();
  void wait();
  void obey();
  int patience() const;
  void note(const GuardNote& note, std::string_view message = {}) const;

  const core::ChildSpec& spec_;
  const std::string& private_folder_;
  int control_;
  int signals_ = -1;
  pid_t root_ = 0;
  Phase phase_ = Phase::running;
  base::SteadyTime kill_at_;
  base::Millis look_again_ = kFirstLook;
};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

// A look, no more: what it is will be read when there is a child to do it to.
bool GuardLoop::told_to_end() const {
  pollfd control{control_, POLLIN, 0};
  return ::poll(&control, 1, 0) > 0;
}

bool GuardLoop::start(int in, int out, int err) {
  auto setup = set_up_child(spec_, private_folder_, [this] { return told_to_end(); });
  if (setup) return launch_child(std::move(*setup), in, out, err);
  const auto& [code, message, where] = setup.error();
  if (code != base::Code::cancelled)
    note({GuardNote::Kind::refused, LaunchStep::none, static_cast<int>(code), {}},
         std::string_view(message).substr(0, kMaxGuardMessage));
  return false;
}

bool GuardLoop::launch_child(ChildSetup setup, int in, int out, int err) {
  auto words = spec_.argv;
  const auto argv = pointers(words), environment = pointers(setup.environment);
  const auto& wish = spec_.sandbox;
  LaunchFailure failure;
  LaunchLevel level;
  root_ = launch({spec_.path().c_str(), argv.data(), environment.data(), spec_.folder.c_str(), in, out, err,
                  setup.program.file.get(), setup.program.is_script, spec_.limits, setup.rules.get(),
                  setup.filter, wish.required},
                 failure, level);
  if (root_ == 0) {
    note({GuardNote::Kind::failed, failure.step, failure.error, {}});
    return false;
  }
  note({GuardNote::Kind::started,
        LaunchStep::none,
        root_,
        {level.no_new_privs, level.filter, level.rules ? setup.rules_version : 0,
         level.filter && !wish.network}});
  return true;
}

void GuardLoop::run(int in, int out, int err) {
  sigset_t child_signal;
  ::sigemptyset(&child_signal);
  ::sigaddset(&child_signal, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &child_signal, nullptr);
  signals_ = ::signalfd(-1, &child_signal, SFD_NONBLOCK | SFD_CLOEXEC);
  if (!start(in, out, err)) return;
  for (const int fd : {in, out, err}) ::close(fd);  // a pipe ends when the tree has let go of it
  while (reap()) {
    if (phase_ == Phase::killing) {
      kill_groups(descendants_of(::getpid()));
      look_again_ = std::min(2 * look_again_, kLongestLook);
    }
    wait();
  }
}

// False when nothing of the tree is left: whoever loses its parent becomes our child, so without a child
// there is no grandchild.
bool GuardLoop::reap() {
  for (;;) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG | __WALL);
    if (pid < 0 && errno == EINTR) continue;
    if (pid < 0) return false;
    if (pid == 0) break;
    if (pid == root_) {
      note({GuardNote::Kind::root_ended, LaunchStep::none, status, {}});
      root_ = 0;
    }
  }
  if (root_ == 0) end();  // the tree ends with its root
  return true;
}

void GuardLoop::end() {
  if (phase_ != Phase::running) return;
  if (spec_.grace <= base::Millis(0)) {
    phase_ = Phase::killing;
    return;
  }
  phase_ = Phase::terminating;
  kill_at_ = base::steady_now() + spec_.grace;
  terminate(descendants_of(::getpid()));
}

void GuardLoop::wait() {
  pollfd watched[] = {{control_, POLLIN, 0}, {signals_, POLLIN, 0}};
  ::poll(watched, 2, patience());
  if (watched[0].revents != 0) obey();
  signalfd_siginfo ignored;
  while (::read(signals_, &ignored, sizeof ignored) > 0) {
  }
  if (phase_ == Phase::terminating && base::steady_now() >= kill_at_) phase_ = Phase::killing;
}

// Milliseconds for poll(2).
int GuardLoop::patience() const {
  if (phase_ == Phase::running) return -1;
  if (phase_ == Phase::killing) return static_cast<int>(look_again_.count());
  const auto left = std::chrono::ceil<base::Millis>(kill_at_ - base::steady_now());
  return static_cast<int>(std::max(left, base::Millis(0)).count());
}

void GuardLoop::obey() {
  if (control_ < 0) return;
  char order = 0;
  const auto got = ::recv(control_, &order, 1, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got == 1 && order == static_cast<char>(GuardOrder::end)) return end();
  phase_ = Phase::killing;
  if (got <= 0) control_ = -1;  // poll(2) passes over it
}

// Fails only when the spawner is gone.
void GuardLoop::note(const GuardNote& note, std::string_view message) const {
  GuardNote copy = note;
  iovec parts[] = {{&copy, sizeof copy}, {const_cast<char*>(message.data()), message.size()}};
  msghdr packet{};
  packet.msg_iov = parts;
  packet.msg_iovlen = 2;
  ::sendmsg(control_, &packet, MSG_NOSIGNAL);
}

// Closes all but these and 0, 1, 2: what belongs to the spawner and to other guards must not be held open
// here.
bool close_all_but(std::array<int, 4> kept) {
  std::sort(kept.begin(), kept.end());
  unsigned int next = 3;
  for (const int fd : kept) {
    const auto number = static_cast<unsigned int>(fd);
    if (number > next && ::close_range(next, number - 1, 0) != 0) return false;
    next = number + 1;
  }
  return ::close_range(next, UINT_MAX, 0) == 0;
}

[[noreturn]] void be_guard(const core::ChildSpec& spec, const std::string& private_folder, int control,
                           int in, int out, int err) {
  ::prctl(PR_SET_NAME, "fairlead-guard");
  if (close_all_but({control, in, out, err}) && ::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0) {
    GuardLoop(spec, private_folder, control).run(in, out, err);
  } else {
    const GuardNote failed{GuardNote::Kind::failed, LaunchStep::descriptors, errno, {}};
    ::send(control, &failed, sizeof failed, MSG_NOSIGNAL);
  }
  if (!private_folder.empty() && !remove_private_folder(private_folder))
    std::fprintf(stderr, "fairlead-host spawner: cannot remove %s: %s\n", private_folder.c_str(),
                 std::strerror(errno));
  ::_exit(0);
}

}  // namespace

base::Result<Guard> start_guard(const core::ChildSpec& spec, const std::string& private_folder, int in,
                                int out, int err) {
  if (spec.sandbox.kind != core::SandboxKind::none)
    task_filter(spec.sandbox.network);  // made once, not by each guard
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return base::os_error("cannot make a socket for a child's guard", errno);
  base::UniqueFd ours(ends[0]), theirs(ends[1]);
  const pid_t pid = ::fork();
  if (pid < 0) return base::os_error("cannot fork", errno);
  if (pid == 0) be_guard(spec, private_folder, theirs.get(), in, out, err);
  base::UniqueFd pidfd(::pidfd_open(pid, 0));
  if (!pidfd) {  // out of descriptors: its end of the socket closes with ours, and it kills what it has
                 // started
    const auto why = base::os_error("cannot watch a child's guard", errno);
    ours.reset();
    theirs.reset();
    ::waitpid(pid, nullptr, 0);
    return why;
  }
  return Guard{pid, std::move(pidfd), std::move(ours)};
}

}  // namespace fairlead::host
