#include "app/daemon.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include "api/access.hpp"
#include "api/routes.hpp"
#include "app/control.hpp"
#include "app/fixed_settings.hpp"
#include "app/hooks.hpp"
#include "app/notifications.hpp"
#include "app/open_store.hpp"
#include "app/process.hpp"
#include "app/reload.hpp"
#include "app/state_dir.hpp"
#include "app/task_queue.hpp"
#include "audit/audit_log.hpp"
#include "base/failpoint.hpp"
#include "base/line_writer.hpp"
#include "config/load.hpp"
#include "core/event_ring.hpp"
#include "exec/spawner.hpp"
#include "http/control_socket.hpp"
#include "http/load_client.hpp"
#include "http/server.hpp"
#include "loop/signal.hpp"
#include "loop/timer.hpp"
#include "ssh/tunnel_set.hpp"

namespace fairlead::app {

namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

constexpr int kFailed = 1;
constexpr int kBadConfig = 78;  // EX_CONFIG of sysexits.h
// SIGTERM starts one deadline, for everything up to the process's end. The parts' stops share what is left
// before the closing of handles; that takes what they leave, and at most kMostClosing: a name look-up under
// way cannot be called back, and is not worth more.
constexpr base::Millis kStopDeadline = 10s;
constexpr base::Millis kClosing = 3s;
constexpr base::Millis kMostClosing = 5s;
constexpr base::Millis kPartDeadline = 2s;  // one part's share
constexpr base::Millis kLastLines = 1s;     // for a reader of stderr that is slow, at the very end
constexpr base::Millis kFlushEvery = 50ms;  // while one is
constexpr base::Millis kStallLimit = 20ms;
constexpr core::EventRing::Limits kLogRing{core::kMostKept, 1 << 20};

class Daemon {
 public:
  Daemon(loop::Loop& loop, base::Log& log, core::EventRing& logs, core::ConfigPtr config,
         config::Location location)
      : loop_(loop),
        log_(log),
        logs_(logs),
        config_(std::move(config)),
        events_(core::first_event_id(base::wall_now()), {}),
        publisher_(events_),
        task_events_(core::first_event_id(base::wall_now()), {}),
        task_publisher_(task_events_),
        reload_(loop, std::move(location)),
        stop_deadline_(loop, "stop-deadline", [this] { on_stop_deadline(); }) {}

  void start() { start_next(); }
  int exit_code() const { return exit_code_; }
  base::SteadyTime ends_by() const { return ends_by_; }  // after the stop has begun

 private:
  // A part of the daemon: started in order, stopped in the opposite one. `stop` calls `next` once, now or
  // later.
  struct Step {
    const char* name;
    base::Result<> (Daemon::*start)();
    void (Daemon::*stop)(std::function<void()> next);
  };
  static const std::vector<Step>& steps();

  base::Result<> start_signals();
  base::Result<> start_spawner();
  base::Result<> start_state();
  base::Result<> start_audit();
  base::Result<> start_hooks();
  base::Result<> start_notifications();
  base::Result<> start_tunnels();
  base::Result<> start_tasks();
  base::Result<> start_control();
  base::Result<> start_policy();
  base::Result<> start_api();
  base::Result<> start_lines();
  base::Result<> start_queue();
  void stop_signals(std::function<void()> next);
  void stop_spawner(std::function<void()> next);
  void stop_state(std::function<void()> next);
  void stop_audit(std::function<void()> next);
  void stop_hooks(std::function<void()> next);
  void stop_notifications(std::function<void()> next);
  void stop_tunnels(std::function<void()> next);
  void stop_tasks(std::function<void()> next);
  void stop_control(std::function<void()> next);
  void stop_policy(std::function<void()> next) { next(); }
  void stop_api(std::function<void()> next);
  void stop_lines(std::function<void()> next);
  void stop_queue(std::function<void()> next);

  void start_next();
  void fail_start(const char* step, const base::Error& error, int exit_code);
  void begin_stop(const char* why);
  void stop_next();
  void on_stop_deadline();
  void reload_on_signal();
  base::Result<core::HttpClient*> http_client();

  loop::Loop& loop_;
  base::Log& log_;
  core::EventRing& logs_;
  core::ConfigPtr config_;
  core::EventRing events_;
  core::RingPublisher publisher_;
  core::EventRing task_events_;  // theirs come by the thousand, and would push those of tunnels out
  core::RingPublisher task_publisher_;
  Reload reload_;
  FixedSettings fixed_;
  loop::Timer stop_deadline_;
  std::vector<std::unique_ptr<loop::Signal>> signals_;
  std::unique_ptr<exec::Spawner> spawner_;
  std::unique_ptr<StateDir> state_;
  std::unique_ptr<audit::AuditLog> audit_;
  std::unique_ptr<core::HttpClient> http_client_;  // its calls are gone before it
  std::unique_ptr<Hooks> hooks_;
  std::unique_ptr<Notifications> notifications_;
  std::unique_ptr<ssh::TunnelSet> tunnels_;
  std::unique_ptr<Control> control_;
  std::unique_ptr<api::Access> access_;
  std::unique_ptr<TaskQueue> tasks_;
  std::unique_ptr<api::Api> api_;
  std::unique_ptr<http::ControlSocket> socket_;
  std::unique_ptr<http::Server> server_;
  std::size_t started_ = 0;  // steps that run
  bool paused_ = false;      // the step just begun goes on later
  bool stopping_ = false;
  base::SteadyTime ends_by_;
  int exit_code_ = 0;
};

const std::vector<Daemon::Step>& Daemon::steps() {
  static const std::vector<Step> kSteps = {
      {"signals", &Daemon::start_signals, &Daemon::stop_signals},
      {"spawner", &Daemon::start_spawner, &Daemon::stop_spawner},  // before anything has threads
      {"state", &Daemon::start_state, &Daemon::stop_state},
      {"audit", &Daemon::start_audit, &Daemon::stop_audit},
      {"hooks", &Daemon::start_hooks, &Daemon::stop_hooks},
      {"notifications", &Daemon::start_notifications, &Daemon::stop_notifications},
      {"tunnels", &Daemon::start_tunnels, &Daemon::stop_tunnels},
      {"tasks", &Daemon::start_tasks, &Daemon::stop_tasks},
      {"control", &Daemon::start_control, &Daemon::stop_control},
      {"policy", &Daemon::start_policy, &Daemon::stop_policy},
      {"api", &Daemon::start_api, &Daemon::stop_api},
      {"lines", &Daemon::start_lines, &Daemon::stop_lines},
      {"queue", &Daemon::start_queue, &Daemon::stop_queue},  // a line may carry its connection
  };
  return kSteps;
}

// A step that needs time asks for a pause; whoever ends it calls this again.
void Daemon::start_next() {
  while (started_ < steps().size()) {
    const Step& step = steps()[started_];
    if (auto done = (this->*step.start)(); !done) return fail_start(step.name, done.error(), kFailed);
    ++started_;
    log_.debug("started", {{"step", step.name}});
    if (std::exchange(paused_, false)) return;
  }
  log_.info("daemon_ready", {{"version", FAIRLEAD_VERSION},
                             {"pid", ::getpid()},
                             {"config", config_->file},
                             {"tunnels", config_->tunnels.size()},
                             {"socket", socket_->path()}});
}

void Daemon::fail_start(const char* step, const base::Error& error, int exit_code) {
  log_.error("start_failed", {{"step", step}, {"error", error.text()}});
  exit_code_ = exit_code;
  begin_stop("failed start");
}

base::Result<> Daemon::start_signals() {
  const auto failpoint = base::armed_failpoint();
  if (!failpoint) return failpoint.error();
  if (**failpoint != '\0') log_.warn("failpoint_armed", {{"name", *failpoint}});
  const auto on = [this](const char* name, int number, std::function<void()> function) {
    signals_.push_back(std::make_unique<loop::Signal>(loop_, name, number, std::move(function)));
  };
  on("sigterm", SIGTERM, [this] { begin_stop("SIGTERM"); });
  on("sigint", SIGINT, [this] { begin_stop("SIGINT"); });
  on("sighup", SIGHUP, [this] { reload_on_signal(); });
  return base::success();
}

void Daemon::stop_signals(std::function<void()> next) {
  signals_.clear();
  next();
}

base::Result<> Daemon::start_spawner() {
  spawner_ = std::make_unique<exec::Spawner>(loop_, log_);
  return base::success();
}

void Daemon::stop_spawner(std::function<void()> next) {
  spawner_->stop([this, next = std::move(next)] {
    spawner_.reset();
    next();
  });
}

base::Result<> Daemon::start_state() {
  auto state = StateDir::open(loop_, log_, config_->state_dir, config_->system_mode);
  if (!state) return state.error();
  state_ = std::move(*state);
  return base::success();
}

void Daemon::stop_state(std::function<void()> next) {
  state_->flush(kPartDeadline, [this, next = std::move(next)](base::Result<> flushed) {
    if (!flushed) log_.error("state_not_saved", {{"error", flushed.error().text()}});
    next();
  });
}

base::Result<> Daemon::start_audit() {
  audit_ = std::make_unique<audit::AuditLog>(
      loop_, log_,
      audit::Settings{.folder = state_->audit_folder(), .folder_mode = config_->system_mode ? 0750u : 0700u});
  // A full disk must not keep the lines down: entries wait, writing is tried again, and `status` says so.
  (void)audit_->open();
  audit_->append(
      {{}, "fairlead", "automation", "daemon_started", "version " FAIRLEAD_VERSION ", " + config_->file});
  if (!state_->damage().empty())
    audit_->append({{}, "fairlead", "automation", "state_damaged", state_->damage()});
  return base::success();
}

void Daemon::stop_audit(std::function<void()> next) {
  audit_->append({{}, "fairlead", "automation", "daemon_stopped", {}});
  audit_->flush(kPartDeadline, [this, next = std::move(next)](base::Result<> flushed) {
    if (!flushed) log_.error("audit_not_flushed", {{"error", flushed.error().text()}});
    next();
  });
}

base::Result<core::HttpClient*> Daemon::http_client() {
  if (!http_client_) {
    auto loaded = http::load_client(loop_);
    if (!loaded) return loaded.error();
    http_client_ = std::move(*loaded);
  }
  return http_client_.get();
}

base::Result<> Daemon::start_hooks() {
  hooks_ = std::make_unique<Hooks>(Hooks::Parts{loop_, log_, *audit_, publisher_, *spawner_,
                                                [this] { return http_client(); }, config_->state_dir},
                                   *config_);
  return base::success();
}

void Daemon::stop_hooks(std::function<void()> next) {
  hooks_->stop(kPartDeadline, [this, next = std::move(next)] {
    hooks_.reset();
    http_client_.reset();
    next();
  });
}

base::Result<> Daemon::start_notifications() {
  const auto transform = [this](core::Notice notice, Hooks::Transformed done) {
    hooks_->transform_notice(std::move(notice), std::move(done));
  };
  notifications_ = std::make_unique<Notifications>(
      Notifications::Parts{loop_, log_, *hooks_, [this] { return http_client(); }, spawner_.get(), transform},
      *config_);
  hooks_->set_notify(notifications_->notifier());
  return base::success();
}

void Daemon::stop_notifications(std::function<void()> next) {
  notifications_.reset();
  next();
}

base::Result<> Daemon::start_tunnels() {
  tunnels_ = std::make_unique<ssh::TunnelSet>(ssh::TunnelSet::Ports{
      loop_, log_, *audit_, *notifications_, [this] { return http_client(); }, &hooks_->policy()});
  tunnels_->set_held_down([this](const std::string& name) { return state_->is_down(name); });
  return base::success();
}

void Daemon::stop_tunnels(std::function<void()> next) {
  tunnels_.reset();
  next();
}

base::Result<> Daemon::start_tasks() {
  tasks_ =
      std::make_unique<TaskQueue>(TaskQueue::Parts{loop_, log_, *audit_, task_publisher_, hooks_->policy(),
                                                   notifications_->notifier(), *spawner_},
                                  open_store(loop_, log_, *config_), config_);
  return base::success();
}

void Daemon::stop_tasks(std::function<void()> next) {
  tasks_.reset();
  next();
}

base::Result<> Daemon::start_control() {
  control_ = std::make_unique<Control>(Control::Parts{loop_, log_, *state_, *audit_, publisher_, *tunnels_,
                                                      notifications_->notifier(), hooks_->policy(), reload_},
                                       config_);
  access_ = std::make_unique<api::Access>(loop_, *config_);
  fixed_.remember(log_, *config_);
  hooks_->set_control(*control_);
  reload_.add_slow(hooks_->policy());
  reload_.add(fixed_);
  reload_.add(*access_);
  reload_.add(*hooks_);
  reload_.add(*tunnels_);
  reload_.add(*tasks_);
  reload_.add(*notifications_);  // after the tunnels: those that are gone have said so
  return base::success();
}

void Daemon::stop_control(std::function<void()> next) {
  reload_.cancel();
  next();
}

// Nobody is told that the daemon is there before its hooks are.
base::Result<> Daemon::start_policy() {
  paused_ = true;
  hooks_->begin(config_, [this](const base::Result<>& loaded) {
    if (stopping_) return;
    if (!loaded) return fail_start("policy", loaded.error(), kBadConfig);
    start_next();
  });
  return base::success();
}

base::Result<> Daemon::start_api() {
  auto socket = http::ControlSocket::open({config_->runtime_dir, config_->system_mode});
  if (!socket) return socket.error();
  socket_ = std::make_unique<http::ControlSocket>(std::move(*socket));
  if (config_->system_mode && !socket_->shared())
    log_.warn(
        "control_socket_closed",
        {{"socket", socket_->path()},
         {"who_gets_in", "the daemon's user alone"},
         {"hint",
          "for others to get in: groupadd --system fairlead, add them to it; then, with the daemon stopped, "
          "remove " +
              config_->runtime_dir}});
  api_ = std::make_unique<api::Api>(*control_, *tasks_, events_, logs_, task_events_);
  auto server = http::Server::start(
      loop_, socket_->take_listener(), *api_,
      [this](std::uint32_t uid, std::uint32_t gid) { return access_->identify(uid, gid); }, log_, {});
  if (!server) return server.error();
  server_ = std::move(*server);
  access_->set_on_known([this] {
    if (server_) server_->callers_known();
  });
  return base::success();
}

void Daemon::stop_api(std::function<void()> next) {
  server_->stop(kPartDeadline, [this, next = std::move(next)] {
    server_.reset();
    socket_.reset();
    next();
  });
}

base::Result<> Daemon::start_lines() {
  tunnels_->begin(config_);
  return base::success();
}

void Daemon::stop_lines(std::function<void()> next) {
  tunnels_->stop_all();
  next();
}

base::Result<> Daemon::start_queue() {
  tasks_->begin();
  return base::success();
}

void Daemon::stop_queue(std::function<void()> next) {
  tasks_->stop(kPartDeadline, std::move(next));
}

void Daemon::reload_on_signal() {
  if (stopping_ || !control_) return;
  const core::Caller caller{::getuid(), ::getgid(), "SIGHUP", core::Role::operator_};
  control_->reload(caller,
                   [](const base::Result<core::ReloadReport>&) {});  // the outcome is logged and in status
}

void Daemon::begin_stop(const char* why) {
  if (std::exchange(stopping_, true)) return;
  log_.info("daemon_stopping", {{"why", why}});
  const auto deadline = kStopDeadline + (tasks_ ? tasks_->stop_takes() : base::Millis(0));
  ends_by_ = base::steady_now() + deadline;
  stop_deadline_.start(deadline - kClosing);
  stop_next();
}

void Daemon::stop_next() {
  if (started_ == 0) {
    stop_deadline_.stop();
    loop_.stop();
    return;
  }
  const Step& step = steps()[--started_];
  log_.debug("stopping", {{"step", step.name}});
  (this->*step.stop)([this] { stop_next(); });
}

void Daemon::on_stop_deadline() {
  log_.error("stop_deadline_passed", {{"step", steps()[started_].name}});
  exit_code_ = kFailed;
  loop_.stop();
}

// The loop is empty when all is well; what survives is named. A look-up of a name or of a user that still
// waits for its server is the one thing that cannot be called back, and no fault of ours: then the process
// leaves without it.
int finish(loop::Loop& loop, base::Log& log, base::LineWriter& stderr_lines, base::SteadyTime ends_by,
           int exit_code) {
  const auto left = [&] { return std::chrono::ceil<base::Millis>(ends_by - base::steady_now()); };
  if (auto drained = loop.drain(std::min(left() - kLastLines, kMostClosing)); !drained) {
    const auto open = loop.open_handles();
    const bool only_lookups = std::all_of(open.begin(), open.end(), [](const auto& entry) {
      return entry.first == "resolve" || entry.first == "account";
    });
    log.write(only_lookups ? base::Level::warn : base::Level::error,
              only_lookups ? "lookups_left" : "handles_left", {{"detail", drained.error().message}});
    std::fflush(nullptr);
    stderr_lines.drain(left());
    std::_Exit(only_lookups || exit_code != 0 ? exit_code : kFailed);
  }
  log.info("daemon_stopped", {{"exit_code", exit_code}});
  return exit_code;
}

int run_on_loop(base::Log& log, base::LineWriter& stderr_lines, core::EventRing& logs, core::ConfigPtr config,
                const config::Location& location) {
  loop::Loop loop;
  loop.watch_stalls(kStallLimit, [&log](const char* name, base::Millis took) {
    log.warn("loop_stalled", {{"by", name}, {"ms", took.count()}});
  });
  int exit_code = 0;
  base::SteadyTime ends_by;
  {
    loop::Timer flush(loop, "stderr-flush", [&] {
      stderr_lines.flush();
      if (!stderr_lines.waiting()) flush.stop();
    });
    stderr_lines.set_on_waiting([&] {
      if (!flush.active()) flush.start_repeating(kFlushEvery);
    });
    Daemon daemon(loop, log, logs, std::move(config), location);
    daemon.start();
    loop.run();
    exit_code = daemon.exit_code();
    ends_by = daemon.ends_by();
    stderr_lines.set_on_waiting(nullptr);
  }
  return finish(loop, log, stderr_lines, ends_by, exit_code);
}

}  // namespace

int run_daemon(const DaemonOptions& options) {
  const auto refuse = [](const base::Error& error, int code) {
    std::fprintf(stderr, "fairlead: %s\n", error.text().c_str());
    return code;
  };
  const auto location = config::find_config(options.config_path);
  if (!location) return refuse(location.error(), kBadConfig);
  const config::Loaded loaded = config::load(*location);
  if (!loaded.config) return refuse(config_error(loaded.problems), kBadConfig);
  auto config = std::make_shared<core::Config>(*loaded.config);
  config->generation = 1;

  core::EventRing logs(core::first_event_id(base::wall_now()), kLogRing);
  base::Log log;
  log.set_level(options.log_level.value_or(config->log_level));
  base::LineWriter stderr_lines(STDERR_FILENO);
  log.add_sink(base::line_sink(stderr_lines, options.log_format.value_or(config->log_format)));
  log.add_sink(core::ring_sink(logs));
  prepare_process(log);

  const int exit_code = run_on_loop(log, stderr_lines, logs, std::move(config), *location);
  loop::end_threads();
  stderr_lines.drain(kLastLines);
  return exit_code;
}

}  // namespace fairlead::app
