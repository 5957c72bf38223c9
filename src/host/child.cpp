#include "host/child.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include "base/file.hpp"
#include "host/private_folder.hpp"

namespace fairlead::host {

namespace {

constexpr std::size_t kPart = 64u << 10;    // the usual size of a pipe
constexpr std::size_t kMostRemoved = 1000;  // entries of a private folder, by us: others wait meanwhile
constexpr base::Millis kShort{20};
constexpr std::size_t kPartsAtOnce = 4;        // of one stream, then others get their turn
constexpr unsigned int kNoExecSeal = 0x0008U;  // MFD_NOEXEC_SEAL, Linux 6.3; not yet in Debian 12's headers

// The input as a sealed file in memory: nobody has to wait until the child has read it, and it can change
// nothing.
base::Result<base::UniqueFd> open_input(const std::string& input) {
  if (input.empty()) {
    base::UniqueFd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!nothing) return base::os_error("open /dev/null", errno);
    return nothing;
  }
  constexpr unsigned int kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  base::UniqueFd file(::memfd_create("input", kFlags | kNoExecSeal));
  if (!file && errno == EINVAL) file.reset(::memfd_create("input", kFlags));
  if (!file) return base::os_error("cannot keep the input of a child", errno);
  if (auto written = base::write_all(file.get(), input); !written) return written.error();
  if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0 ||
      ::lseek(file.get(), 0, SEEK_SET) != 0)
    return base::os_error("cannot seal the input of a child", errno);
  return file;
}

struct Pipe {
  base::UniqueFd read, write;
};

base::Result<Pipe> open_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return base::os_error("cannot make a pipe", errno);
  Pipe pipe{base::UniqueFd(ends[0]), base::UniqueFd(ends[1])};
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);  // our end alone: a program does not expect it of its stdout
  return pipe;
}

}  // namespace

Child::Child(core::StartChild request, std::string private_folder, Guard guard, base::UniqueFd out,
             base::UniqueFd err)
    : id_(request.id),
      spec_(std::move(request.spec)),
      private_folder_(std::move(private_folder)),
      guard_(std::move(guard)),
      streams_{Stream{std::move(out), {spec_.output_head, spec_.output_tail}},
               Stream{std::move(err), {spec_.output_head, spec_.output_tail}}},
      began_(base::BootClock::now()),
      slow_at_(began_ + kShort) {
  spec_.input = std::string();
  if (spec_.live_output) live_.emplace();
}

base::Result<std::unique_ptr<Child>> Child::start(core::StartChild request) {
  const auto& spec = request.spec;
  auto input = open_input(spec.input_file.empty() ? spec.input : std::string());
  if (!input) return input.error();
  auto out = open_pipe();
  if (!out) return out.error();
  auto err = open_pipe();
  if (!err) return err.error();
  std::string private_folder;
  if (!spec.input_file.empty() || !spec.private_folder.empty()) {
    auto made = make_private_folder(spec.private_in);
    if (!made) return made.error();
    private_folder = std::move(*made);
  }
  auto guard = start_guard(spec, private_folder, input->get(), out->write.get(), err->write.get());
  if (!guard) {
    if (!private_folder.empty()) remove_private_folder(private_folder, kMostRemoved);
    return guard.error();
  }
  return std::unique_ptr<Child>(new Child(std::move(request), std::move(private_folder), std::move(*guard),
                                          std::move(out->read), std::move(err->read)));
}

bool Child::is_slow(base::BootTime now) {
  if (!slow_at_ || now < *slow_at_) return false;
  slow_at_.reset();
  return true;
}

std::optional<core::ChildStarted> Child::on_control() {
  take_note();
  if (root_ == 0) return std::nullopt;
  return core::ChildStarted{id_, root_};
}

// False when there is none, now or for ever.
bool Child::take_note() {
  struct {
    GuardNote note;
    char message[kMaxGuardMessage];
  } packet;
  const auto got = ::recv(guard_.control.get(), &packet, sizeof packet, MSG_DONTWAIT);
  if (got < static_cast<ssize_t>(sizeof packet.note)) return false;
  const auto& note = packet.note;
  if (note.kind == GuardNote::Kind::started) {
    root_ = note.value;
    level_ = note.level;
  }
  if (note.kind == GuardNote::Kind::refused)
    refused_ = {static_cast<base::Code>(note.value),
                {packet.message, static_cast<std::size_t>(got) - sizeof note},
                {}};
  if (note.kind == GuardNote::Kind::failed) failed_ = note;
  if (note.kind == GuardNote::Kind::root_ended) root_ended_ = note;
  return true;
}

bool Child::root_runs() {
  while (take_note()) {
  }
  return !root_ended_;
}

bool Child::on_output(std::size_t stream) {
  const auto& pipe = streams_[stream].pipe;
  char part[kPart];
  for (std::size_t turn = 0; turn < kPartsAtOnce; ++turn) {
    const auto got = ::read(pipe.get(), part, sizeof part);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (got == 0) return false;
    keep(stream, {part, static_cast<std::size_t>(got)});
    if (static_cast<std::size_t>(got) < sizeof part) return true;
  }
  return true;
}

void Child::keep(std::size_t stream, std::string_view bytes) {
  streams_[stream].capture.add(bytes);
  if (live_) live_->add(stream, bytes, base::BootClock::now());
}

std::optional<base::BootTime> Child::live_due() const {
  return live_ ? live_->due() : std::nullopt;
}

std::vector<core::SpawnReport> Child::take_live(base::BootTime now) {
  std::vector<core::SpawnReport> reports;
  if (live_)
    for (auto& piece : live_->take(now)) reports.emplace_back(core::ChildWrote{id_, std::move(piece)});
  return reports;
}

void Child::order(GuardOrder what) {
  const char byte = static_cast<char>(what);
  ::send(guard_.control.get(), &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT);  // a few bytes in all: there is room
}

void Child::end() {
  if (std::exchange(ending_, true)) return;
  if (!cause_ && root_runs()) cause_ = core::ChildEnd::killed;
  order(GuardOrder::end);
}

void Child::renew(base::BootTime until) {
  if (spec_.lease_until) spec_.lease_until = until;
}

std::optional<base::BootTime> Child::check_time(base::BootTime now) {
  if (killing_) return std::nullopt;
  if (spec_.lease_until && now >= *spec_.lease_until) {
    if (!cause_ && root_runs()) cause_ = core::ChildEnd::killed;
    ending_ = killing_ = true;
    order(GuardOrder::kill);
    return std::nullopt;
  }
  const auto timeout = began_ + spec_.timeout;
  if (!ending_ && now >= timeout) {
    if (root_runs()) cause_ = core::ChildEnd::timed_out;
    end();
  }
  if (ending_) return spec_.lease_until;
  return spec_.lease_until ? std::min(*spec_.lease_until, timeout) : timeout;
}

// Whoever could still write has ended, or was handed the pipe by somebody of the tree and does not belong to
// it: so what is in the pipe now is all that counts.
void Child::drain(std::size_t stream) {
  const auto& pipe = streams_[stream].pipe;
  int left = 0;
  if (!pipe || ::ioctl(pipe.get(), FIONREAD, &left) != 0) return;
  char part[kPart];
  while (left > 0) {
    const auto got = ::read(pipe.get(), part, std::min(sizeof part, static_cast<std::size_t>(left)));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    keep(stream, {part, static_cast<std::size_t>(got)});
    left -= static_cast<int>(got);
  }
}

bool Child::collect() {
  int status = 0;
  while (::waitpid(guard_.pid, &status, 0) < 0 && errno == EINTR) {
  }
  while (take_note()) {
  }
  for (std::size_t stream = 0; stream < streams_.size(); ++stream) drain(stream);
  guard_lost_ = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
  return !guard_lost_;
}

core::SpawnReport Child::report() {
  if (guard_lost_ && !private_folder_.empty()) remove_private_folder(private_folder_, kMostRemoved);
  // Told to end before it had started: that is an end as well.
  const bool ended_before = root_ == 0 && !failed_ && !refused_ && !guard_lost_ && cause_;
  if (root_ == 0 && !ended_before) return core::ChildFailed{id_, failure()};
  return core::ChildEnded{id_, result()};
}

core::ChildResult Child::result() {
  core::ChildResult result;
  result.duration = base::BootClock::now() - began_;
  result.out = streams_[0].capture.take();
  result.err = streams_[1].capture.take();
  result.level = level_;
  if (cause_) {
    result.end = *cause_;
    return result;
  }
  const int status = root_ended_ ? root_ended_->value
                                 : SIGKILL;  // without a note the guard was killed, and the root with it
  result.end = WIFEXITED(status) ? core::ChildEnd::exited : core::ChildEnd::signalled;
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
  return result;
}

base::Error Child::failure() const {
  const auto& path = spec_.path();
  if (refused_) return *refused_;
  if (!failed_) return {base::Code::unavailable, path + " was lost: its guard was killed", {}};
  switch (failed_->step) {
    case LaunchStep::enter_folder:
      return base::os_error("cannot enter the folder " + spec_.folder, failed_->value);
    case LaunchStep::none:
    case LaunchStep::fork:
    case LaunchStep::descriptors:
      return base::os_error("cannot prepare a process for " + path, failed_->value);
    case LaunchStep::limits:
      return base::os_error("cannot set the limits of " + path, failed_->value);
    case LaunchStep::sandbox: {
      auto error =
          base::os_error("the kernel refuses the sandbox that " + path + " requires", failed_->value);
      error.code = base::Code::unsupported;
      return error;
    }
    case LaunchStep::execute:
      break;
  }
  auto error = base::os_error("cannot execute " + path, failed_->value);
  if (failed_->value == ENOENT || failed_->value == ENOTDIR) error.code = base::Code::not_found;
  if (failed_->value == E2BIG) error.code = base::Code::bad_request;
  return error;
}

}  // namespace fairlead::host
