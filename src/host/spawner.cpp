#include "host/spawner.hpp"

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <utility>

#include "host/descendants.hpp"
#include "host/modes.hpp"

namespace fairlead::host {

namespace {

constexpr std::uint64_t kSocketKey = 0, kTimerKey = 1;  // below the keys of children, whose ids begin with 1
constexpr int kSweepMillis = 10;
constexpr std::size_t kRoomForLive = 1u << 20;  // of unsent reports; above it nothing live is added
constexpr int kBadData = 65;                    // EX_DATAERR of sysexits.h
constexpr int kUnavailable = 69;                // EX_UNAVAILABLE

}  // namespace

Spawner::Spawner(base::UniqueFd socket)
    : socket_(std::move(socket), core::kMaxSpawnRequest),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      timer_(::timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC)) {
  watch(socket_.fd(), kSocketKey);
  watch(timer_.get(), kTimerKey);
}

void Spawner::watch(int fd, std::uint64_t key, bool write) {
  epoll_event wanted{};
  wanted.events = write ? EPOLLIN | EPOLLOUT : EPOLLIN;
  wanted.data.u64 = key;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &wanted) != 0 && errno == EEXIST)
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &wanted);
}

// Before the descriptor is closed: a guard that is just being forked may hold a copy for a moment, and epoll
// would report on that.
void Spawner::unwatch(int fd) {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

void Spawner::unwatch(const Child& child, Part part) {
  unwatch(part == Part::control ? child.control_fd()
          : part == Part::guard ? child.guard_fd()
                                : child.output_fd(static_cast<std::size_t>(part)));
}

int Spawner::run() {
  while (!leaving_ || !children_.empty() || !unguarded_.empty()) turn();
  return exit_code_;
}

void Spawner::turn() {
  epoll_event ready[64];
  const int count = ::epoll_wait(epoll_.get(), ready, 64, unguarded_.empty() ? -1 : kSweepMillis);
  for (int i = 0; i < count; ++i) {
    const auto key = ready[i].data.u64;
    if (key == kSocketKey)
      on_socket();
    else if (key != kTimerKey)
      on_child(key / 4, static_cast<Part>(key % 4));
  }
  if (!unguarded_.empty()) sweep();
  check_times();
  send();
}

// --- the daemon's side

void Spawner::on_socket() {
  const auto received = socket_.receive();
  while (!leaving_) {
    const auto line = socket_.next();
    if (!line) break;
    auto request = core::decode_request(*line);
    if (!request) {
      std::fprintf(stderr, "fairlead-host spawner: %s\n", request.error().text().c_str());
      return leave(kBadData);
    }
    obey(std::move(*request));
  }
  if (received) return;
  if (received.error().code == base::Code::unavailable) return leave(0);
  std::fprintf(stderr, "fairlead-host spawner: %s\n", received.error().text().c_str());
  leave(kBadData);
}

void Spawner::obey(core::SpawnRequest request) {
  if (auto* wanted = std::get_if<core::StartChild>(&request)) return start(std::move(*wanted));
  const auto* renew = std::get_if<core::RenewLease>(&request);
  const auto* end = std::get_if<core::EndChild>(&request);
  const auto found = children_.find(renew != nullptr ? renew->id : end->id);
  if (found == children_.end()) return;  // it has ended, and the report of that is under way
  if (renew != nullptr)
    found->second->renew(renew->until);
  else
    found->second->end();
}

void Spawner::start(core::StartChild request) {
  const auto id = request.id;
  if (children_.count(id) > 0)
    return tell(core::ChildFailed{id, {base::Code::bad_request, "a child with this id is running", {}}});
  if (auto good = core::check_spec(request.spec); !good) return tell(core::ChildFailed{id, good.error()});
  if (children_.size() >= core::kMaxChildren)
    return tell(core::ChildFailed{id, {base::Code::unavailable, "too many children are running", {}}});
  auto started = Child::start(std::move(request));
  if (!started) return tell(core::ChildFailed{id, started.error()});
  const Child& child = **started;
  watch(child.output_fd(0), id * 4 + static_cast<std::uint64_t>(Part::out));
  watch(child.output_fd(1), id * 4 + static_cast<std::uint64_t>(Part::err));
  watch(child.guard_fd(), id * 4 + static_cast<std::uint64_t>(Part::guard));
  children_.emplace(id, std::move(*started));
}

void Spawner::tell(const core::SpawnReport& report) {
  if (!leaving_) socket_.queue(core::encode(report));
}

void Spawner::send() {
  if (leaving_) return;
  if (auto sent = socket_.flush(); !sent) return leave(0);
  const bool write = socket_.unsent() > 0;
  if (std::exchange(wants_write_, write) != write) watch(socket_.fd(), kSocketKey, write);
}

void Spawner::leave(int exit_code) {
  if (std::exchange(leaving_, true)) return;
  exit_code_ = exit_code;
  unwatch(socket_.fd());
  for (auto& [id, child] : children_) child->end();
}

// --- the children's side

void Spawner::on_child(core::ChildId id, Part part) {
  const auto found = children_.find(id);
  if (found == children_.end()) return;  // an earlier event of this turn was its last
  Child& child = *found->second;
  if (part == Part::guard) return on_guard_exit(child);
  if (part == Part::control) {
    if (const auto started = child.on_control()) tell(*started);
    unwatch(child, part);
  } else if (!child.on_output(static_cast<std::size_t>(part))) {
    unwatch(child, part);
  }
}

void Spawner::on_guard_exit(Child& child) {
  for (const Part part : {Part::out, Part::err, Part::control, Part::guard}) unwatch(child, part);
  auto node = children_.extract(child.id());
  const bool whole = child.collect();
  for (const auto& wrote : child.take_live(base::BootClock::now())) tell(wrote);
  if (whole)
    tell(child.report());
  else
    unguarded_.push_back(std::move(node.mapped()));
}

std::set<pid_t> Spawner::guards() const {
  std::set<pid_t> pids;
  for (const auto& [id, child] : children_) pids.insert(child->guard());
  return pids;
}

// What a killed guard leaves behind comes to us, and nothing else does. It cannot be told any more which
// child it belonged to, and need not be: it has no right to run.
void Spawner::sweep() {
  auto strays = descendants_of(::getpid(), guards());
  kill_groups(strays);
  for (const auto& stray : strays)
    ::waitpid(stray.pid, nullptr, WNOHANG | __WALL);  // those that are ours by now
  if (!descendants_of(::getpid(), guards()).empty()) return;
  for (auto& child : unguarded_) tell(child->report());
  unguarded_.clear();
}

void Spawner::check_times() {
  const auto now = base::BootClock::now();
  base::BootTime next{};
  const auto wait_for = [&](std::optional<base::BootTime> due) {
    if (due && (next == base::BootTime{} || *due < next)) next = *due;
  };
  // While the daemon reads nothing, what is seen live waits where it is bounded; its reading wakes us.
  const bool live = socket_.unsent() < kRoomForLive;
  for (auto& [id, child] : children_) {
    wait_for(child->check_time(now));
    if (child->is_slow(now)) watch(child->control_fd(), id * 4 + static_cast<std::uint64_t>(Part::control));
    wait_for(child->slow_at());
    if (!live) continue;
    if (const auto due = child->live_due(); due && *due <= now)
      for (const auto& wrote : child->take_live(now)) tell(wrote);
    wait_for(child->live_due());
  }
  if (next == timer_at_) return;
  // One alarm too many is cheaper than a system call for each of many short children.
  if (timer_at_ > now && (next == base::BootTime{} || next > timer_at_)) return;
  timer_at_ = next;
  const auto since_boot = next.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since_boot);
  itimerspec when{};  // all zero: off
  when.it_value.tv_sec = seconds.count();
  when.it_value.tv_nsec = std::chrono::nanoseconds(since_boot - seconds).count();
  ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
}

// --- the process

namespace {

// What children inherit of us, and what we need ourselves.
bool prepare() {
  for (int number = 1; number < NSIG;
       ++number) {  // what the daemon was started with (nohup) is not for children
    struct sigaction now{};
    if (::sigaction(number, nullptr, &now) == 0 && now.sa_handler == SIG_IGN) std::signal(number, SIG_DFL);
  }
  // A signal to the daemon's group or unit is the daemon's to handle; we leave when it does.
  for (const int number : kIgnoredSignals) std::signal(number, SIG_IGN);
  ::umask(077);
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
  const rlimit no_core{0, 0};
  return ::close_range(kSocketFd + 1, UINT_MAX, 0) == 0 && ::setrlimit(RLIMIT_CORE, &no_core) == 0 &&
         ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0 &&
         ::prctl(PR_SET_DUMPABLE, 0) == 0;  // children of the same user must not look into us
}

}  // namespace

int run_spawner() {
  if (!prepare()) {
    std::perror("fairlead-host spawner: this kernel lacks what children are kept in check with");
    return kUnavailable;
  }
  if (::access("/proc/self/stat", R_OK) != 0) {
    std::perror("fairlead-host spawner: /proc/self/stat, without which no tree of processes can be ended");
    return kUnavailable;
  }
  return Spawner(base::UniqueFd(kSocketFd)).run();
}

}  // namespace fairlead::host
