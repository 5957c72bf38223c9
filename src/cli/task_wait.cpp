#include "cli/task_wait.hpp"

#include <algorithm>
#include <csignal>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "base/text.hpp"
#include "cli/report.hpp"
#include "cli/task_outcome.hpp"
#include "loop/signal.hpp"

namespace fairlead::cli {

namespace {

using namespace std::chrono_literals;
using base::Json;

constexpr base::Millis kReadTasksEvery = 1s;
constexpr base::Millis kShortTask = 1s;       // one that is over by then needs no running commentary
constexpr base::Millis kDaemonGoneFor = 60s;  // then it is not just being restarted
constexpr base::Millis kRestWithin = 1s;
constexpr std::size_t kReadAtOnce = 32;  // of those that no event named, at each turn

std::string task_path(std::int64_t id) {
  return "/v1/tasks/" + std::to_string(id);
}

std::string task_name(std::int64_t id) {
  return "task " + std::to_string(id);
}

class TaskWait {
 public:
  TaskWait(Context& context, DaemonClient& client, const std::vector<std::int64_t>& ids,
           const TaskWaitOptions& options)
      : context_(context),
        client_(client),
        options_(options),
        last_event_id_(options.last_event_id),
        interrupt_(client.loop(), "task_wait_interrupt", SIGINT, [this] { on_signal(SIGINT); }),
        terminate_(client.loop(), "task_wait_terminate", SIGTERM, [this] { on_signal(SIGTERM); }) {
    for (const auto id : ids) {
      ends_[id].id = id;
      open_.push_back(id);
    }
  }

  std::vector<TaskEnd> run(const std::vector<std::int64_t>& ids) {
    while (!client_.interrupted()) {
      if (base::steady_now() - stream_opened_ >= kReadTasksEvery && (!stream_ || stream_over_)) open_stream();
      read_some();
      show_progress();
      if (open_.empty() || client_.interrupted() || time_is_over() || gone_too_long()) break;
      client_.pause(next_turn());
    }
    if (options_.follow && open_.empty()) take_rest_of_output();
    for (const auto id : open_) give_up(ends_[id]);
    std::vector<TaskEnd> out;
    for (const auto id : ids) out.push_back(std::move(ends_[id]));
    return out;
  }

 private:
  // --- events
  void open_stream() {
    stream_over_ = false;
    stream_opened_ = base::steady_now();
    stream_.reset();
    const bool single = ends_.size() == 1;
    const std::string path = single ? task_path(ends_.begin()->first) + "/events" : "/v1/queue/events";
    stream_ = client_.follow(
        path, single ? last_event_id_ : std::string(), [this](const StreamEvent& event) { on_event(event); },
        [this](const base::Error&) {  // the task is over, or the daemon is gone: reading tells
          stream_over_ = true;
          client_.wake();
        });
  }

  // The task was read as over before its stream was: what it wrote last may be under way still.
  void take_rest_of_output() {
    const auto until = base::steady_now() + kRestWithin;
    while (!stream_over_ && !client_.interrupted() && base::steady_now() < until) client_.pause(kRestWithin);
  }

  void on_event(const StreamEvent& event) {
    if (!event.id.empty()) last_event_id_ = event.id;
    if (event.type == "resync") {
      gap_ = true;
      return client_.wake();
    }
    const auto body = Json::parse(event.data);
    if (!body) return;
    const auto id = (*body)["task"]["id"].integer();
    if (event.type == "task_output" && options_.follow) return show_output(body->view());
    if (event.type != "task_state" || ends_.count(id) == 0) return;
    touched_.insert(id);
    client_.wake();
  }

  void show_output(base::JsonView part) {
    shown_ = true;
    write_output(context_, part["stream"].text() == "stderr", part["text"].text());
    if (!context_.out) client_.interrupt();  // nobody reads any more
  }

  // --- reading
  // Those that an event named, and some of the others in turn: thousands are not asked for every second.
  void read_some() {
    std::vector<std::int64_t> due(touched_.begin(), touched_.end());
    touched_.clear();
    const std::size_t others = std::min(kReadAtOnce, open_.size());
    for (std::size_t i = 0; i < others; ++i) {
      due.push_back(open_.front());
      open_.push_back(open_.front());
      open_.pop_front();
    }
    for (const auto id : due)
      if (!client_.interrupted() && std::find(open_.begin(), open_.end(), id) != open_.end()) read(id);
  }

  void read(std::int64_t id) {
    auto& end = ends_[id];
    auto reply = client_.exchange("GET", task_path(id));
    if (client_.interrupted()) return;
    gone_ = reply ? std::nullopt : gone_ ? gone_ : std::optional(base::steady_now());
    if (!reply) return on_trouble(end, reply.error());
    if (reply->status != 200) return on_trouble(end, error_of(*reply));
    trouble_.reset();
    end.task = std::move(reply->body);
    if (!is_over(end.task.view())) return;
    end.exit = exit_of_task(end.task.view());
    close(id);
  }

  // A daemon that is being restarted, or has lost its store, comes back, and the tasks go on meanwhile.
  void on_trouble(TaskEnd& end, const base::Error& error) {
    if (error.code == base::Code::unavailable) {
      trouble_ = error;
      return;
    }
    end.error = error;
    end.error->message = about_task(end.id, end.error->message);
    end.exit = exit_of(error.code);
    close(end.id);
  }

  void close(std::int64_t id) { std::erase(open_, id); }

  // --- progress, on stderr
  void show_progress() {
    if (base::steady_now() - start_ < kShortTask) return;
    if (trouble_ && !trouble_said_) warn(context_, trouble_->text() + "; waiting for it");
    trouble_said_ = trouble_.has_value();
    for (const auto& [id, end] : ends_) {
      if (is_over(end.task.view()) || !end.task["state"].is_string()) continue;
      auto text = outcome_text(end.task.view());
      if (last_said_[id] == text) continue;
      context_.err << task_name(id) << ": " << text << '\n' << std::flush;
      last_said_[id] = std::move(text);
    }
  }

  // --- the end
  bool time_is_over() const { return options_.timeout && base::steady_now() - start_ >= *options_.timeout; }
  bool gone_too_long() const { return gone_ && base::steady_now() - *gone_ >= kDaemonGoneFor; }

  base::Millis next_turn() const {
    if (!options_.timeout) return kReadTasksEvery;
    const auto left = std::chrono::ceil<base::Millis>(start_ + *options_.timeout - base::steady_now());
    return std::clamp(left, 1ms, kReadTasksEvery);
  }

  void on_signal(int number) {
    signal_ = number;
    client_.interrupt();
  }

  void give_up(TaskEnd& end) {
    const auto state = end.task["state"].is_string() ? " (" + outcome_text(end.task.view()) + ")" : "";
    const auto id = std::to_string(end.id);
    const std::string goes_on =
        "; it goes on: `fairlead task show " + id + "` shows it, `fairlead task cancel " + id + "` ends it";
    if (signal_ != 0) {
      end.exit = static_cast<Exit>(task_exit::kSignalBase + signal_);
      end.error =
          base::Error{base::Code::cancelled, task_name(end.id) + " is not over" + state + goes_on, {}};
    } else if (!context_.out) {
      end.exit = Exit::failure;
      end.error = base::Error{base::Code::io, "cannot write to standard output", {}};
    } else if (gone_too_long()) {
      end.exit = exit_of(trouble_->code);
      end.error = trouble_;
    } else {
      end.exit = static_cast<Exit>(task_exit::kNotOver);
      end.error = base::Error{base::Code::timed_out,
                              task_name(end.id) + " is not over after " +
                                  base::format_duration(options_.timeout.value_or(0ms)) + state + goes_on,
                              {}};
    }
  }

 public:
  bool gap() const { return gap_; }
  bool shown() const { return shown_; }

 private:
  Context& context_;
  DaemonClient& client_;
  TaskWaitOptions options_;
  std::map<std::int64_t, TaskEnd> ends_;
  std::deque<std::int64_t> open_;
  std::set<std::int64_t> touched_;  // named by an event since they were read
  std::map<std::int64_t, std::string> last_said_;
  base::SteadyTime start_ = base::steady_now();
  std::optional<base::SteadyTime> gone_;  // since when the daemon does not answer
  std::optional<base::Error> trouble_;    // the daemon is gone, or its store is away
  bool trouble_said_ = false;
  bool gap_ = false;    // events were lost, output perhaps with them
  bool shown_ = false;  // some output
  int signal_ = 0;
  std::string last_event_id_;
  std::unique_ptr<DaemonClient::Stream> stream_;
  base::SteadyTime stream_opened_{};
  bool stream_over_ = false;
  loop::Signal interrupt_, terminate_;
};

// What came while nobody followed, or under another daemon, is in the result as far as it was kept.
void show_kept_output(Context& context, base::JsonView result) {
  for (const char* stream : {"stdout", "stderr"}) {
    const bool is_error = std::string_view(stream) == "stderr";
    write_output(context, is_error, result[stream]["head"].text());
    if (result[stream]["truncated"].boolean())
      warn(context, std::string("some of ") + stream + " is missing here: it was too long to be kept");
    write_output(context, is_error, result[stream]["tail"].text());
  }
}

}  // namespace

std::vector<TaskEnd> wait_for_tasks(Context& context, DaemonClient& client,
                                    const std::vector<std::int64_t>& ids, const TaskWaitOptions& options) {
  TaskWait wait(context, client, ids, options);
  auto ends = wait.run(ids);
  if (!options.follow) return ends;
  if (wait.shown() && wait.gap())
    warn(context, "output is missing here: `fairlead task logs` shows what was kept");
  if (!wait.shown() && !options.was_shown && is_over(ends.front().task.view()))
    show_kept_output(context, ends.front().task["result"]);
  return ends;
}

Exit fold_ends(const std::vector<TaskEnd>& ends) {
  Exit worst = Exit::ok;
  for (const auto& end : ends) worst = std::max(worst, end.exit);
  return worst;
}

void write_output(Context& context, bool is_error, std::string_view text) {
  auto& stream = is_error ? context.err : context.out;
  const bool terminal = is_error ? context.terminal.err_is_terminal : context.terminal.out_is_terminal;
  if (!terminal) {
    stream << text << std::flush;
    return;
  }
  std::string plain;
  while (!text.empty()) {
    const auto end = text.find_first_of("\n\t");
    const auto piece = text.substr(0, end);
    plain += base::printable(piece, 4 * piece.size());  // an escape takes four
    if (end == std::string_view::npos) break;
    plain += text[end];
    text.remove_prefix(end + 1);
  }
  stream << plain << std::flush;
}

}  // namespace fairlead::cli
