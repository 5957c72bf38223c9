#include "policy/effects.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "loop/timer.hpp"

namespace fairlead::policy {

namespace {

using std::chrono_literals::operator""min;
using std::chrono_literals::operator""s;
using core::Effect;

constexpr base::Millis kMostSleep{24LL * 3600 * 1000};
constexpr base::Millis kExecTimeout = 30s, kMostExec = 60min;
constexpr base::Millis kHttpTimeout = 10s, kMostHttp = 5min;
constexpr std::size_t kMostBody = 1u << 20;
constexpr std::size_t kMostDetail = 200;
constexpr std::uint64_t kMostRecords = 100;  // in the audit: of one hook and effect, in a minute
constexpr const char* kRefused = "hook_effect_refused";

base::Millis duration(base::JsonView value, base::Millis standard, base::Millis most) {
  base::Millis wanted = standard;
  if (value.is_number()) wanted = base::Millis(static_cast<std::int64_t>(value.number() * 1000));
  if (value.is_string()) wanted = base::parse_duration(value.text()).value_or(standard);
  return std::clamp(wanted, base::Millis(1), most);
}

EffectResult fine(base::Json value = {}) {
  return {true, false, std::move(value), {}};
}
EffectResult failed(const base::Error& error) {
  return {false, false, {}, error.text()};
}
EffectResult forbidden(const std::string& why) {
  return {false, true, {}, why};
}

// A call whose outcome comes later, on a timer of its own: at once, or after the time that sleep() wants.
class Later final : public RunningEffect {
 public:
  Later(loop::Loop& loop, base::Millis after, EffectResult result, Effects::Done done)
      : result_(std::move(result)), done_(std::move(done)), timer_(loop, "flow-effect", [this] {
          const auto call = std::move(done_);
          call(std::move(result_));  // may destroy this
        }) {
    timer_.start(after);
  }

 private:
  EffectResult result_;
  Effects::Done done_;
  loop::Timer timer_;
};

struct ChildEffect final : RunningEffect {
  std::unique_ptr<core::ChildCall> call;
};
struct RequestEffect final : RunningEffect {
  std::unique_ptr<core::HttpCall> call;
};

std::string output(const core::ChildOutput& output) {
  return output.truncated() ? output.head + "\n[…]\n" + output.tail : output.head + output.tail;
}

std::string_view to_string(core::ChildEnd end) {
  constexpr std::string_view kNames[] = {"exited", "signalled", "timed_out", "killed"};
  return kNames[static_cast<std::size_t>(end)];
}

base::Json as_json(const core::ChildResult& result) {
  base::Json json = base::Json::object();
  json.set("status", result.status).set("how", to_string(result.end));
  json.set("out", base::to_utf8(output(result.out))).set("err", base::to_utf8(output(result.err)));
  json.set("truncated", result.out.truncated() || result.err.truncated());
  return json;
}

// What the audit holds of an effect: never what is sent or read.
std::string detail(const core::EffectInfo& effect, base::JsonView arguments) {
  std::string text(effect.name);
  switch (effect.effect) {
    case Effect::exec:
      text += " " + std::string(arguments["argv"].at(0).text());
      break;
    case Effect::http: {
      const std::string_view url = arguments["url"].text();
      text += " " + std::string(arguments["method"].text("GET")) + " " +
              std::string(url.substr(0, url.find('?')));
      break;
    }
    case Effect::notify:
      text += " " + std::string(arguments["title"].text());
      break;
    case Effect::emit:
      text += " " + std::string(arguments["type"].text());
      break;
    case Effect::store_set:
      text += " " + std::string(arguments["key"].text());
      break;
    default:
      text += " " + std::string(arguments["name"].text());
  }
  return base::printable(text, kMostDetail);
}

// A line end in a header would begin another one.
bool is_header(base::JsonView header) {
  const auto plain = [](std::string_view text) {
    return std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; });
  };
  return !header.key().empty() && plain(header.key()) && plain(header.text()) &&
         header.key().find(':') == std::string_view::npos;
}

// The method goes into the request as it is: a blank in it would begin another one.
bool is_method(std::string_view method) {
  return !method.empty() && method.size() <= 20 &&
         std::all_of(method.begin(), method.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

base::Result<> check_request(base::JsonView arguments) {
  const auto refuse = [](const char* what) { return base::Error{base::Code::bad_request, what, {}}; };
  if (!is_method(arguments["method"].text("GET")))
    return refuse("flow.http: `method` has 1 to 20 upper-case letters");
  const auto headers = arguments["headers"].items();
  if (!std::all_of(headers.begin(), headers.end(), is_header))
    return refuse("flow.http: a header holds a control character or a colon");
  return base::success();
}

bool is_type(std::string_view type) {
  return !type.empty() && type.size() <= 40 &&
         type.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
}

}  // namespace

Effects::Effects(Ports ports, base::Millis minute)
    : ports_(std::move(ports)),
      records_(
          ports_.loop,
          [this](const LineBudget::Key& key, std::uint64_t more) {
            record(key, std::to_string(more) + " more of " + key.what);
          },
          minute) {}

base::Result<> Effects::permitted(const core::EffectInfo& effect, base::JsonView arguments,
                                  const core::PolicyAllow& allow) const {
  const auto refuse = [&](std::string_view what) {
    return base::Error{base::Code::forbidden,
                       "flow." + std::string(effect.name) + ": " + base::printable(what, 120) +
                           " is not allowed: add it to policy.allow." + std::string(effect.allowed_by),
                       {}};
  };
  if (effect.allowed_by == "commands") {
    const std::string_view program = arguments["argv"].at(0).text();
    if (!core::allows_command(allow, program)) return refuse(program);
  } else if (effect.allowed_by == "hosts") {
    const std::string_view url = arguments["url"].text();
    if (!core::allows_url(allow, url)) return refuse(url.substr(0, url.find('?')));
  } else if (effect.allowed_by == "tunnels") {
    if (!core::allows_tunnel(allow, arguments["name"].text())) return refuse(arguments["name"].text());
  }
  return base::success();
}

void Effects::note(const core::EffectInfo& effect, base::JsonView arguments, const std::string& hook,
                   bool refused) {
  if (!refused && (effect.effect == Effect::sleep || effect.effect == Effect::store_get ||
                   effect.effect == Effect::tunnel_status))
    return;
  const LineBudget::Key key{refused ? kRefused : "hook_effect", hook, std::string(effect.name)};
  if (records_.take(key, kMostRecords)) record(key, detail(effect, arguments));
}

void Effects::record(const LineBudget::Key& key, const std::string& what) {
  ports_.audit.append({{}, "hook:" + key.hook, "automation", key.event, what});
  if (key.event == kRefused) ports_.log.warn(kRefused, {{"hook", key.hook}, {"effect", what}});
}

std::unique_ptr<RunningEffect> Effects::perform(const core::EffectInfo& effect, base::JsonView arguments,
                                                const std::string& hook, const core::PolicyAllow& allow,
                                                Done done) {
  const auto later = [&](EffectResult result, base::Millis after = base::Millis(0)) {
    return std::make_unique<Later>(ports_.loop, after, std::move(result), std::move(done));
  };
  if (auto right = core::check_arguments(effect, arguments); !right)
    return later(forbidden(right.error().message));
  if (effect.effect == Effect::http)
    if (auto right = check_request(arguments); !right) return later(forbidden(right.error().message));
  if (auto allowed = permitted(effect, arguments, allow); !allowed) {
    note(effect, arguments, hook, true);
    return later(forbidden(allowed.error().message));
  }
  note(effect, arguments, hook, false);
  if (effect.effect == Effect::sleep)
    return later(fine(), duration(arguments["time"], base::Millis(0), kMostSleep));
  if (effect.effect == Effect::exec) return run_child(arguments, std::move(done));
  if (effect.effect == Effect::http) return run_request(arguments, std::move(done));
  return later(at_once(effect, arguments, hook));
}

EffectResult Effects::at_once(const core::EffectInfo& effect, base::JsonView arguments,
                              const std::string& hook) {
  switch (effect.effect) {
    case Effect::emit: {
      if (!is_type(arguments["type"].text()))
        return forbidden("flow.emit: `type` has 1 to 40 lower-case letters, digits and _");
      auto body = base::Json::object();
      body.set("hook", hook).set("body", base::Json::copy(arguments["body"]));
      ports_.events.publish("hook_" + std::string(arguments["type"].text()), body);
      return fine();
    }
    case Effect::notify: {
      if (ports_.notify == nullptr) return failed({base::Code::unavailable, "no notifications here", {}});
      core::Notice notice;
      notice.event = "hook_notice";
      notice.subject = base::printable(arguments["subject"].text(hook), 128);
      notice.title = base::printable(arguments["title"].text(), 256);
      notice.text = arguments["text"].text();
      notice.at = base::wall_now();
      const auto severity = core::parse_severity(arguments["severity"].text("low"));
      if (!severity) return forbidden("flow.notify: `severity` must be info, low, high or critical");
      notice.severity = *severity;
      for (const base::JsonView sender : arguments["senders"].items())
        notice.senders.emplace_back(sender.text());
      ports_.notify->notify(std::move(notice));
      return fine();
    }
    case Effect::store_get:
      return fine(base::Json::copy(ports_.store.get(arguments["key"].text())));
    case Effect::store_set: {
      const auto kept = ports_.store.set(arguments["key"].text(), base::Json::copy(arguments["value"]));
      return kept ? fine() : failed(kept.error());
    }
    case Effect::tunnel_status: {
      const auto status = ports_.control->tunnel(arguments["name"].text());
      if (!status) return failed(status.error());
      base::Json json = base::Json::object();
      json.set("state", core::to_string(status->state)).set("reason", core::describe(status->reason).id);
      json.set("detail", status->detail)
          .set("proof", core::to_string(status->proof))
          .set("attempts", status->attempts);
      return fine(std::move(json));
    }
    default:
      return move_tunnel(effect.effect, std::string(arguments["name"].text()), hook);
  }
}

EffectResult Effects::move_tunnel(Effect effect, const std::string& name, const std::string& hook) {
  const core::Caller caller{0, 0, "hook:" + hook, core::Role::operator_};
  const auto moved = effect == Effect::tunnel_up     ? ports_.control->up(name, caller)
                     : effect == Effect::tunnel_down ? ports_.control->down(name, caller)
                                                     : ports_.control->reconnect(name, caller);
  return moved ? fine() : failed(moved.error());
}

std::unique_ptr<RunningEffect> Effects::run_child(base::JsonView arguments, Done done) {
  if (ports_.spawner == nullptr)
    return std::make_unique<Later>(ports_.loop, base::Millis(0),
                                   failed({base::Code::unavailable, "no spawner here", {}}), std::move(done));
  core::ChildSpec spec;
  for (const base::JsonView argument : arguments["argv"].items()) spec.argv.emplace_back(argument.text());
  spec.environment = {{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
                      {"LANG", "C.UTF-8"}};
  spec.input = arguments["input"].text();
  spec.timeout = duration(arguments["timeout"], kExecTimeout, kMostExec);
  auto effect = std::make_unique<ChildEffect>();
  effect->call =
      ports_.spawner->start(std::move(spec), [done = std::move(done)](base::Result<core::ChildResult> ended) {
        done(ended ? fine(as_json(*ended)) : failed(ended.error()));
      });
  return effect;
}

std::unique_ptr<RunningEffect> Effects::run_request(base::JsonView arguments, Done done) {
  auto client = ports_.http_client();
  if (!client)
    return std::make_unique<Later>(ports_.loop, base::Millis(0), failed(client.error()), std::move(done));
  core::HttpRequest request;
  request.method = arguments["method"].text("GET");
  request.url = arguments["url"].text();
  for (const base::JsonView header : arguments["headers"].items())
    request.headers.emplace_back(header.key(), header.text());
  request.body = arguments["body"].text();
  request.timeout = duration(arguments["timeout"], kHttpTimeout, kMostHttp);
  request.max_body = kMostBody;
  auto effect = std::make_unique<RequestEffect>();
  effect->call =
      (*client)->start(std::move(request), [done = std::move(done)](base::Result<core::HttpResponse> ended) {
        if (!ended) return done(failed(ended.error()));
        base::Json json = base::Json::object();
        json.set("status", ended->status).set("body", base::to_utf8(ended->body));
        done(fine(std::move(json)));
      });
  return effect;
}

}  // namespace fairlead::policy
