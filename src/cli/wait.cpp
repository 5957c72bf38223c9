#include "cli/wait.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "cli/report.hpp"
#include "cli/status_text.hpp"

namespace fairlead::cli {

namespace {

using namespace std::chrono_literals;
using base::JsonView;

constexpr base::Millis kReadAgainAfter = 1s;
constexpr base::Millis kAskAgainAfter = 100ms;
constexpr base::Millis kQuietFor = 1s;  // a tunnel that is up by then needs no running commentary

base::Millis left_until(base::SteadyTime deadline) {
  return std::chrono::ceil<base::Millis>(deadline - base::steady_now());
}

// The changes of state as they happen, on stderr; silent in the first second.
class Progress {
 public:
  explicit Progress(Context& context) : context_(context) {}

  void note(const std::string& name, const std::string& line) {
    auto& last = last_[name];
    if (last == line) return;
    last = line;
    held_.push_back(base::printable(name, 64) + ": " + line);
  }
  void show() {
    if (base::steady_now() - start_ < kQuietFor) return;
    for (const auto& line : held_) context_.err << line << '\n';
    context_.err.flush();
    held_.clear();
  }

 private:
  Context& context_;
  base::SteadyTime start_ = base::steady_now();
  std::map<std::string, std::string> last_;
  std::vector<std::string> held_;
};

std::string progress_line(JsonView tunnel) {
  const auto trouble = trouble_text(tunnel);
  return trouble.empty() ? state_text(tunnel) : state_text(tunnel) + ": " + trouble;
}

class Wait {
 public:
  Wait(Context& context, DaemonClient& client, const std::vector<std::string>& names,
       const WaitOptions& options)
      : client_(client), options_(options), progress_(context), open_(names) {
    // Only a nudge to read the status: what an event says may be older than the last reading. It is not
    // opened again when it breaks, as the reading goes on.
    stream_ = client.follow(
        "/v1/events", {}, [this](const StreamEvent& event) { on_event(event); }, [](const base::Error&) {});
  }

  base::Result<std::map<std::string, Waited>> run() {
    while (true) {
      const auto status = client_.get("/v1/status");
      if (!status) return status.error();
      read(status->view());
      progress_.show();
      const auto left = left_until(options_.deadline());
      if (open_.empty() || left <= 0ms) break;
      client_.pause(std::min(left, kReadAgainAfter));
    }
    for (const auto& name : open_) give_up(name);
    return std::move(done_);
  }

 private:
  void on_event(const StreamEvent& event) {
    if (event.type != "tunnel_state" && event.type != "resync") return;
    client_.wake();
  }

  void read(JsonView status) {
    std::erase_if(open_, [&](const std::string& name) {
      const auto tunnel = find_tunnel(status, name);
      if (tunnel.exists()) progress_.note(name, progress_line(tunnel));
      last_[name] = base::Json::copy(tunnel);
      return settle(name, tunnel);
    });
  }

  bool settle(const std::string& name, JsonView tunnel) {
    const auto verdict = judge(tunnel);
    if (verdict == Verdict::waiting) return false;
    Waited waited;
    if (verdict == Verdict::proven) {
      waited.exit = Exit::ok;
      if (tunnel["state"].text() == "degraded")
        waited.message = name + " is proven, but degraded" + why(tunnel);
    }
    if (verdict == Verdict::unproven) {
      waited.exit = options_.require_proof ? Exit::failure : Exit::ok;
      waited.message = name + " is connected, but unproven: " + std::string(kUnprovenNote);
    }
    if (verdict == Verdict::failed) waited.message = failure_text(name, tunnel);
    waited.tunnel = std::move(last_[name]);
    done_[name] = std::move(waited);
    return true;
  }

  static std::string failure_text(const std::string& name, JsonView tunnel) {
    if (!tunnel.exists()) return name + " is no longer in the configuration";
    if (tunnel["state"].text() == "stopped") return name + " was taken down meanwhile";
    return name + " failed" + why(tunnel);
  }

  void give_up(const std::string& name) {
    auto tunnel = std::move(last_[name]);
    done_[name].message = name + " is not connected after " + base::format_duration(options_.timeout) + " (" +
                          state_text(tunnel.view()) + ")" + why(tunnel.view());
    done_[name].tunnel = std::move(tunnel);
  }

  static std::string why(JsonView tunnel) {
    auto text = trouble_text(tunnel);
    if (text.empty()) return text;
    const auto hint = tunnel["hint"].text();
    return ": " + text + (hint.empty() ? "" : "; " + std::string(hint));
  }

  DaemonClient& client_;
  WaitOptions options_;
  Progress progress_;
  std::vector<std::string> open_;
  std::map<std::string, base::Json> last_;
  std::map<std::string, Waited> done_;
  std::unique_ptr<DaemonClient::Stream> stream_;
};

}  // namespace

Verdict judge(JsonView tunnel) {
  const auto state = tunnel["state"].text();
  // Degraded is what its health check says of the target; data has crossed the line all the same.
  if (state == "connected" || state == "degraded")
    return tunnel["proof"].text() == "none" ? Verdict::unproven : Verdict::proven;
  if (state == "starting" || state == "reconnecting") return Verdict::waiting;
  return Verdict::failed;
}

base::Result<base::Json> status_once_there(Context& context, DaemonClient& client,
                                           const WaitOptions& options) {
  bool said = false;
  while (true) {
    auto status = client.get("/v1/status");
    if (status || status.error().code != base::Code::unavailable || !client.may_come_up()) return status;
    const auto left = left_until(options.deadline());
    if (left <= 0ms) return status;
    if (!said && base::steady_now() - options.start >= kQuietFor) {
      said = true;
      warn(context, status.error().text() + "; waiting for it");
    }
    client.pause(std::min(left, kAskAgainAfter));
  }
}

base::Result<std::map<std::string, Waited>> wait_until_proven(Context& context, DaemonClient& client,
                                                              const std::vector<std::string>& names,
                                                              const WaitOptions& options) {
  return Wait(context, client, names, options).run();
}

}  // namespace fairlead::cli
