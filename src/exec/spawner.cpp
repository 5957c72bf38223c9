#include "exec/spawner.hpp"

#include <sys/socket.h>

#include <cerrno>

#include "base/file.hpp"
#include "base/installed.hpp"

namespace fairlead::exec {

namespace {

constexpr const char* kHostFile = "fairlead-host";
// Requests that the spawner has not read yet. It reads at once, so this is reached only when it is stopped.
constexpr std::size_t kMaxUnsent = 16u << 20;

base::Error unavailable(std::string what) {
  return {base::Code::unavailable, std::move(what), {}};
}

base::Error stopping() {
  return {base::Code::cancelled, "the daemon is stopping", {}};
}

}  // namespace

std::string host_path() {
  const auto paths = base::installed_paths(kHostFile);
  for (const auto& path : paths)
    if (base::exists(path)) return path;
  return paths.back();
}

class Spawner::Call final : public core::ChildCall {
 public:
  Call(Spawner& spawner, core::ChildId id, Done done, OnOutput on_output)
      : spawner_(&spawner), id_(id), done_(std::move(done)), on_output_(std::move(on_output)) {
    spawner.calls_.emplace(id, this);
  }
  ~Call() override {
    end();
    if (spawner_ != nullptr) spawner_->calls_.erase(id_);
  }
  void end() override {
    if (spawner_ != nullptr) spawner_->request(core::EndChild{id_});
  }
  void renew_lease(base::BootTime until) override {
    if (spawner_ != nullptr) spawner_->request(core::RenewLease{id_, until});
  }
  // A copy, because what is called may destroy this.
  OnOutput on_output() const { return on_output_; }
  // From here on it asks for nothing: its child has ended, or the Spawner is going.
  Done part() {
    spawner_ = nullptr;
    return std::move(done_);
  }

 private:
  Spawner* spawner_;
  core::ChildId id_;
  Done done_;
  OnOutput on_output_;
};

Spawner::Spawner(loop::Loop& loop, base::Log& log, std::string host)
    : loop_(loop), log_(log), host_(std::move(host)), deliver_(loop, "child-ended", [this] { deliver(); }) {
  if (auto up = bring_up(); !up) log_.error("spawner_not_started", {{"error", up.error().text()}});
}

Spawner::~Spawner() {
  for (const auto& [id, call] : calls_) call->part();
}

base::Result<> Spawner::bring_up() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return base::os_error("cannot make a socket for the spawner", errno);
  base::UniqueFd ours(ends[0]), theirs(ends[1]);
  auto process = loop::Process::start(loop_, "spawner", host_, {"fairlead-host", "spawner"}, {theirs.get()},
                                      [this](int status, int signal) { on_exit(status, signal); });
  if (!process) return process.error();
  process_ = std::move(*process);
  socket_ = std::make_unique<base::LineSocket>(std::move(ours), core::kMaxSpawnReport);
  poll_ = std::make_unique<loop::Poll>(loop_, "spawner-socket", socket_->fd(),
                                       [this](loop::Ready ready) { on_ready(ready); });
  poll_->want(true, false);
  return base::success();
}

std::unique_ptr<core::ChildCall> Spawner::start(core::ChildSpec spec, Done done, OnOutput on_output) {
  const auto id = ++last_id_;
  spec.live_output = static_cast<bool>(on_output);
  auto call = std::make_unique<Call>(*this, id, std::move(done), std::move(on_output));
  if (auto submitted = submit(id, std::move(spec)); !submitted) finish(id, submitted.error());
  return call;
}

base::Result<> Spawner::submit(core::ChildId id, core::ChildSpec spec) {
  if (stopping_) return stopping();
  if (auto good = core::check_spec(spec); !good) return good.error();
  if (calls_.size() > core::kMaxChildren) return unavailable("too many children are running");
  if (!socket_)
    if (auto up = bring_up(); !up) return unavailable("the spawner " + up.error().text());
  const auto line = core::encode(core::StartChild{id, std::move(spec)});
  if (line.size() > core::kMaxSpawnRequest)
    return base::Error{base::Code::bad_request, "arguments are too long", {}};
  if (socket_->unsent() + line.size() > kMaxUnsent) return unavailable("the spawner does not keep up");
  socket_->queue(line);
  flush();
  return base::success();
}

void Spawner::request(const core::SpawnRequest& request) {
  if (!socket_) return;
  socket_->queue(core::encode(request));
  flush();
}

// A failure shows as the end of the socket, too, and is dealt with there.
void Spawner::flush() {
  const auto sent = socket_->flush();
  poll_->want(true, sent.ok() && socket_->unsent() > 0);
}

void Spawner::on_ready(loop::Ready ready) {
  if (ready.write) flush();
  if (ready.read) read_reports();
}

void Spawner::read_reports() {
  const auto received = socket_->receive();
  while (const auto line = socket_->next()) {
    auto report = core::decode_report(*line);
    if (!report) return lose(report.error());
    on_report(std::move(*report));
  }
  if (!received) lose(received.error());
}

void Spawner::on_report(core::SpawnReport report) {
  if (const auto* started = std::get_if<core::ChildStarted>(&report))
    return log_.debug("child_started", {{"child", started->id}, {"pid", started->pid}});
  if (auto* failed = std::get_if<core::ChildFailed>(&report))
    return finish(failed->id, std::move(failed->error));
  if (auto* wrote = std::get_if<core::ChildWrote>(&report)) {
    news_.emplace_back(wrote->id, std::move(wrote->piece));
    return deliver_.schedule();
  }
  auto& ended = std::get<core::ChildEnded>(report);
  finish(ended.id, std::move(ended.result));
}

// What it said last is still in the socket; the end of that tells the calls.
void Spawner::on_exit(int status, int signal) {
  if (stopping_) return deliver_.schedule();
  log_.error("spawner_exited", {{"status", status}, {"signal", signal}});
}

void Spawner::lose(const base::Error& why) {
  log_.error("spawner_lost", {{"error", why.text()}});
  poll_.reset();
  socket_.reset();
  process_.reset();
  finish_all(unavailable("the spawner is gone, and the child with it"));
}

void Spawner::finish_all(const base::Error& why) {
  for (const auto& [id, call] : calls_) finish(id, why);
}

void Spawner::finish(core::ChildId id, base::Result<core::ChildResult> result) {
  news_.emplace_back(id, std::move(result));
  deliver_.schedule();
}

void Spawner::deliver() {
  for (auto& [id, what] : std::exchange(news_, {})) {
    const auto found = calls_.find(id);
    if (found == calls_.end()) continue;  // given up, or told already
    if (const auto* piece = std::get_if<core::ChildPiece>(&what)) {
      if (const auto on_output = found->second->on_output()) on_output(*piece);
      continue;
    }
    const auto done = found->second->part();
    calls_.erase(found);
    done(std::move(std::get<base::Result<core::ChildResult>>(what)));
  }
  if (stopping_ && pid() == 0 && news_.empty())
    if (const auto gone = std::exchange(gone_, nullptr)) gone();
}

void Spawner::stop(std::function<void()> gone) {
  stopping_ = true;
  gone_ = std::move(gone);
  finish_all(stopping());
  poll_.reset();
  socket_.reset();  // that is how it learns of it
  deliver_.schedule();
}

}  // namespace fairlead::exec
