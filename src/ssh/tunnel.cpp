#include "ssh/tunnel.hpp"

#include <utility>

#include "base/text.hpp"
#include "core/overlap.hpp"

namespace fairlead::ssh {

namespace {

using core::Reason;
using core::TunnelEvent;
using core::TunnelState;
using std::chrono_literals::operator""min;

core::Hysteresis verdict_of(const core::Tunnel& config) {
  if (config.health_checks.empty()) return {1, 1};
  return {config.health_checks.front().rise, config.health_checks.front().fall};
}

}  // namespace

Tunnel::Tunnel(TunnelSite& site, std::shared_ptr<const core::Tunnel> config, std::string runtime_dir,
               std::uint64_t id, Bound bound)
    : site_(site),
      config_(std::move(config)),
      runtime_dir_(std::move(runtime_dir)),
      id_(id),
      since_(base::wall_now()),
      backoff_(config_->reconnect.backoff_initial, config_->reconnect.backoff_max),
      retry_(site.session.loop, "retry",
             [this] {
               apply(TunnelEvent::retry, reason_, detail_);
               attempt();
             }),
      stable_(site.session.loop, "stable", [this] { backoff_.reset(); }),
      bound_(std::move(bound)),
      place_(site.session.loop, "handshake-place", [this] { pass_.reset(); }),
      verdict_(verdict_of(*config_)),
      hold_over_(site_.session.loop, "health-hold", [this] { ask_health(); }) {
  for (const auto& forward : config_->forwards) forwards_.push_back({.forward = forward});
  bound_.resize(forwards_.size());
  listeners_.resize(forwards_.size());
}

Tunnel::~Tunnel() {
  drop_line();
}

const LocalListener* Tunnel::listener_on(const core::Endpoint& endpoint) const {
  for (std::size_t i = 0; i < listeners_.size(); ++i)
    if (listeners_[i] && forwards_[i].forward.listen == endpoint) return listeners_[i].get();
  return nullptr;
}

bool Tunnel::listens_across(const core::Endpoint& endpoint) const {
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    const core::Endpoint& bound = forwards_[i].forward.listen;
    if (listeners_[i] && bound.port == endpoint.port &&
        core::listens_overlap(base::lower(bound.host), base::lower(endpoint.host)))
      return true;
  }
  return false;
}

// The only place that assigns the state.
bool Tunnel::apply(TunnelEvent event, Reason reason, const std::string& detail, const core::Caller* caller) {
  const core::Transition* transition = core::find_transition(state_, event);
  if (transition == nullptr) {
    site_.session.log.error(
        "illegal_transition",
        {{"tunnel", config_->name}, {"state", core::to_string(state_)}, {"on", core::to_string(event)}});
    return false;
  }
  state_ = transition->to;
  since_ = base::wall_now();
  const bool well = state_ == TunnelState::connected;
  reason_ = well ? Reason::none : reason;
  detail_ = well ? std::string() : base::printable(detail);
  if (!well && state_ != TunnelState::degraded) connected_at_.reset();
  announce(*transition, caller);
  return true;
}

void Tunnel::announce(const core::Transition& transition, const core::Caller* caller) {
  const auto& why = core::describe(reason_);
  std::string detail(why.text);
  if (!detail_.empty()) detail += (detail.empty() ? "" : ": ") + detail_;
  const core::TunnelStatus now = status();
  if (detail.empty() && state_ == TunnelState::connected)
    detail = "proof " + std::string(core::to_string(now.proof));
  base::Log& log = site_.session.log;
  const base::Field fields[] = {{"tunnel", config_->name},
                                {"from", core::to_string(transition.from)},
                                {"to", core::to_string(transition.to)},
                                {"reason", why.id},
                                {"detail", detail},
                                {"hint", why.hint}};
  // The last field only where there is something to do.
  log.write(base::Level::info, transition.audited_as, std::span(fields).first(why.hint.empty() ? 5 : 6));
  site_.audit.append(
      {config_->name, caller != nullptr ? caller->name : config_->actor.name,
       std::string(core::to_string(caller != nullptr ? caller->caller_class : config_->actor.actor_class)),
       std::string(transition.audited_as),
       why.hint.empty() ? detail : detail + "; " + std::string(why.hint)});
  base::Json body = base::Json::object();
  body.set("tunnel", config_->name)
      .set("from", core::to_string(transition.from))
      .set("to", core::to_string(transition.to))
      .set("event", transition.audited_as)
      .set("reason", why.id)
      .set("detail", detail)
      .set("proof", core::to_string(now.proof))
      .set("time", base::iso8601(since_));
  site_.events.publish("tunnel_state", body);
}

base::Result<> Tunnel::start(const core::Caller* caller) {
  if (running())
    return base::Error{base::Code::already, "is up already (" + std::string(core::to_string(state_)) + ")",
                       config_->name};
  backoff_.reset();
  was_connected_ = false;
  reconnects_ = 0;
  for (auto& forward : forwards_) forward = {.forward = forward.forward};
  apply(TunnelEvent::start, Reason::none, {}, caller);
  attempt();
  return base::success();
}

base::Result<> Tunnel::stop(const core::Caller* caller, Reason reason) {
  if (state_ == TunnelState::stopped)
    return base::Error{base::Code::already, "is down already", config_->name};
  drop_line();
  for (auto& listener : listeners_) listener.reset();
  health_result_.reset();
  apply(TunnelEvent::stop, reason, {}, caller);
  return base::success();
}

base::Result<> Tunnel::reconnect(const core::Caller* caller) {
  if (!running())
    return base::Error{base::Code::conflict,
                       "is " + std::string(core::to_string(state_)) + ": use `fairlead up`", config_->name};
  drop_line();
  backoff_.reset();
  if (state_ != TunnelState::reconnecting) apply(TunnelEvent::lost, Reason::by_operator, {}, caller);
  apply(TunnelEvent::retry, Reason::by_operator, {}, caller);
  attempt();
  return base::success();
}

void Tunnel::drop_line() {
  retry_.stop();
  reconnect_call_.reset();
  end_hold();
  stable_.stop();
  health_.reset();
  if (line_) line_->close();
  line_.reset();
  pass_.reset();
  place_.stop();
}

base::Result<> Tunnel::bind_listeners() {
  for (std::size_t i = 0; i < forwards_.size(); ++i) {
    if (forwards_[i].forward.kind != core::ForwardKind::local || listeners_[i]) continue;
    if (bound_[i].empty()) {
      auto fds = LocalListener::bind(forwards_[i].forward.listen);
      if (!fds) return fds.error();
      bound_[i] = std::move(*fds);
    }
    listeners_[i] =
        std::make_unique<LocalListener>(site_.session.loop, std::exchange(bound_[i], {}), forwards_[i]);
  }
  return base::success();
}

void Tunnel::attempt() {
  if (auto bound = bind_listeners(); !bound) return on_lost({Reason::local_port_taken, bound.error().text()});
  pass_ = site_.gate.enter([this] { connect(); });
}

// Its TCP connection stands. The place among the handshakes is kept where that was quick, else there must be
// another: a server that has just restarted must not meet more of them for having been slow to answer.
bool Tunnel::may_shake_hands() {
  place_.stop();
  if (pass_) return true;
  pass_ = site_.gate.enter([this] { line_->session().shake_hands(); });
  return false;
}

void Tunnel::connect() {
  place_.start(site_.session.timing.place_unconnected);
  std::vector<LocalListener*> listeners;
  for (auto& listener : listeners_) listeners.push_back(listener.get());
  line_ = std::make_unique<Line>(
      site_.session, config_, forwards_, std::move(listeners),
      Line::Handlers{[this] { return may_shake_hands(); },
                     [this] {
                       pass_.reset();
                       fingerprint_ =
                           line_->session().host_key().type + " " + line_->session().host_key().fingerprint();
                       algorithms_ = line_->session().algorithms();
                     },
                     [this] { on_ready(); }, [this](base::Millis took) { round_trip_ = took; },
                     [this](const Failure& failure) { on_lost(failure); }});
}

void Tunnel::on_ready() {
  connected_at_ = base::steady_now();
  if (std::exchange(was_connected_, true)) ++reconnects_;
  verdict_ = verdict_of(*config_);
  health_failures_ = 0;
  healthy_since_.reset();
  apply(TunnelEvent::ready, Reason::none, {});
  stable_.start(site_.session.timing.stable);
  if (config_->health_checks.empty()) return;
  health_ = std::make_unique<HealthCheck>(
      site_.session, line_->session(), config_->health_checks.front(), site_.http_client,
      runtime_dir_ + "/health-" + std::to_string(id_) + ".sock", uncounted_,
      [this](core::HealthResult result) { on_health(std::move(result)); });
}

void Tunnel::on_health(core::HealthResult result) {
  const bool changed = verdict_.add(result.good);
  if (result.good) {
    health_failures_ = 0;
    if (!healthy_since_) healthy_since_ = base::steady_now();
  } else {
    ++health_failures_;
  }
  health_result_ = std::move(result);
  if (!changed) return;
  if (!verdict_.good()) return ask_health();
  end_hold();
  if (state_ == TunnelState::degraded) apply(TunnelEvent::healthy, Reason::none, {});
}

// An attempt or a connection has ended: wait and try again, or give up.
void Tunnel::on_lost(const Failure& failure) {
  // A copy: the failure may live in the line. NOLINTNEXTLINE(performance-unnecessary-copy-initialization)
  const Failure why = failure;
  health_.reset();
  end_hold();
  line_.reset();
  pass_.reset();
  place_.stop();
  stable_.stop();
  apply(TunnelEvent::lost, why.reason, why.detail);
  const int limit = config_->reconnect.max_attempts;
  if (limit > 0 && backoff_.attempts() >= limit) {
    for (auto& listener : listeners_) listener.reset();
    std::string last(core::describe(why.reason).text);
    if (!why.detail.empty()) last += ": " + why.detail;
    apply(TunnelEvent::give_up, Reason::attempts_exhausted, "the last one ended with " + last);
    return;
  }
  const bool patient = core::describe(why.reason).patient;
  const base::Millis wait = patient ? backoff_.patient(site_.random) : backoff_.next(site_.random);
  retry_.start(wait);
  ask_reconnect(why, wait);
}

}  // namespace fairlead::ssh
