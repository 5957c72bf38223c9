#include "host/guard.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "host/descendants.hpp"
#include "host/pidfd.hpp"

namespace fairlead::host {

namespace {

// Between two looks at a tree that is being killed, when none of its ends wakes us before. The longest is for
// what KILL does not reach at once: a process that waits for a dead disk.
constexpr base::Millis kFirstLook{5}, kLongestLook{320};

// What runs in the guard's process, from the fork to its exit.
class GuardLoop {
 public:
  GuardLoop(int control, base::Millis grace) : control_(control), grace_(grace) {}
  void run(const core::ChildSpec& spec, int in, int out, int err);

 private:
  enum class Phase { running, terminating, killing };
  bool start(const core::ChildSpec& spec, int in, int out, int err);
  bool reap();
  void end();
  void wait();
  void obey();
  int patience() const;
  void note(GuardNote::Kind kind, LaunchStep step, int value) const;

  int control_;
  base::Millis grace_;
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

bool GuardLoop::start(const core::ChildSpec& spec, int in, int out, int err) {
  auto words = spec.argv;
  std::vector<std::string> variables;
  for (const auto& [name, value] : spec.environment) variables.emplace_back(name).append("=").append(value);
  const auto argv = pointers(words), environment = pointers(variables);
  LaunchFailure failure;
  root_ =
      launch({words[0].c_str(), argv.data(), environment.data(), spec.folder.c_str(), in, out, err}, failure);
  if (root_ == 0) {
    note(GuardNote::Kind::failed, failure.step, failure.error);
    return false;
  }
  note(GuardNote::Kind::started, LaunchStep::none, root_);
  return true;
}

void GuardLoop::run(const core::ChildSpec& spec, int in, int out, int err) {
  sigset_t child_signal;
  ::sigemptyset(&child_signal);
  ::sigaddset(&child_signal, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &child_signal, nullptr);
  signals_ = ::signalfd(-1, &child_signal, SFD_NONBLOCK | SFD_CLOEXEC);
  if (!start(spec, in, out, err)) return;
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
      note(GuardNote::Kind::root_ended, LaunchStep::none, status);
      root_ = 0;
    }
  }
  if (root_ == 0) end();  // the tree ends with its root
  return true;
}

void GuardLoop::end() {
  if (phase_ != Phase::running) return;
  if (grace_ <= base::Millis(0)) {
    phase_ = Phase::killing;
    return;
  }
  phase_ = Phase::terminating;
  kill_at_ = base::steady_now() + grace_;
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

void GuardLoop::note(GuardNote::Kind kind, LaunchStep step, int value) const {
  const GuardNote note{kind, step, value};
  ::send(control_, &note, sizeof note, MSG_NOSIGNAL);  // fails only when the spawner is gone
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

[[noreturn]] void be_guard(const core::ChildSpec& spec, int control, int in, int out, int err) {
  ::prctl(PR_SET_NAME, "fairlead-guard");
  if (close_all_but({control, in, out, err}) && ::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0) {
    GuardLoop(control, spec.grace).run(spec, in, out, err);
    ::_exit(0);
  }
  const GuardNote failed{GuardNote::Kind::failed, LaunchStep::descriptors, errno};
  ::send(control, &failed, sizeof failed, MSG_NOSIGNAL);
  ::_exit(0);
}

}  // namespace

base::Result<Guard> start_guard(const core::ChildSpec& spec, int in, int out, int err) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return base::os_error("cannot make a socket for a child's guard", errno);
  base::UniqueFd ours(ends[0]), theirs(ends[1]);
  const pid_t pid = ::fork();
  if (pid < 0) return base::os_error("cannot fork", errno);
  if (pid == 0) be_guard(spec, theirs.get(), in, out, err);
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
