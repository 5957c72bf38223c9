// The way from a configuration to an open session. What an open session does is in session_pump.cpp.
#include "ssh/session.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/text.hpp"
#include "ssh/algorithms.hpp"
#include "ssh/known_hosts.hpp"
#include "ssh/libssh2_codec.hpp"

namespace fairlead::ssh {

namespace {

using core::Reason;

// How long a state may last beyond `connect_timeout`, and what running over it is called.
struct StateRule {
  std::string_view name;
  base::Millis Timing::* extra;  // null: no deadline
  Reason overdue;
  std::string_view detail;
};
constexpr StateRule kRules[] = {
    {"loading", &Timing::loading, Reason::key_unreadable, "reading the key took too long"},
    {"resolving", &Timing::resolving, Reason::name_not_resolved, "no answer from the resolver in time"},
    {"connecting", &Timing::connecting, Reason::connect_timeout, "no answer to connect"},
    {"queued", &Timing::queued, Reason::connect_timeout,
     "connected, but other handshakes left no room for this one in time"},
    {"exchanging", &Timing::exchanging, Reason::connect_timeout,
     "connected, but the SSH handshake did not finish in time"},
    {"verifying", &Timing::verifying, Reason::known_hosts_unreadable, "recording the host key took too long"},
    {"authenticating", &Timing::authenticating, Reason::connect_timeout,
     "the server did not answer the authentication in time"},
    {"listening", &Timing::listening, Reason::server_frozen,
     "the server did not answer the listen request in time"},
    {"open", nullptr, Reason::none, ""},
    {"ended", nullptr, Reason::none, ""},
};
const StateRule& rule_of(Session::State state) {
  return kRules[static_cast<std::size_t>(state)];
}

Reason connect_reason(const base::Error& error) {
  if (error.code == base::Code::timed_out) return Reason::connect_timeout;
  return error.message.find("refused") != std::string::npos ? Reason::connect_refused
                                                            : Reason::connect_failed;
}

}  // namespace

std::string_view to_string(Session::State state) {
  return rule_of(state).name;
}

Session::Session(SessionSite& site, std::shared_ptr<const core::Tunnel> tunnel, Handlers handlers)
    : site_(site),
      tunnel_(std::move(tunnel)),
      handlers_(std::move(handlers)),
      deadline_(site.loop, "session-deadline", [this] { on_deadline(); }),
      pump_(site.loop, "session-pump", [this] { pump(); }),
      ended_(site.loop, "session-ended", [this] {
        const auto on_ended = std::move(handlers_.on_ended);
        on_ended(failure_);  // may destroy this
      }) {
  enter(State::loading);
  work_ = loop::submit<Materials>(
      site_.loop, "load-key", [config = tunnel_] { return load_materials(*config); },
      [this](Materials materials) { on_loaded(std::move(materials)); });
}

Session::~Session() {
  for (auto& relay : relays_) relay->abort();
  relays_.clear();
  poll_.reset();
  codec_.reset();
}

void Session::enter(State next) {
  if (next != state_)  // loading, where a session begins, is entered without a change
    site_.log.debug("ssh_state",
                    {{"tunnel", tunnel_->name}, {"from", to_string(state_)}, {"to", to_string(next)}});
  state_ = next;
  const auto extra = rule_of(next).extra;
  if (extra == nullptr)
    deadline_.stop();
  else
    deadline_.start(tunnel_->connect_timeout + site_.timing.*extra);
}

void Session::on_deadline() {
  fail({rule_of(state_).overdue, std::string(rule_of(state_).detail)});
}

void Session::fail(Failure failure) {
  if (state_ == State::ended) return;
  enter(State::ended);
  failure_ = std::move(failure);
  work_.reset();
  connector_.reset();
  for (auto& relay : relays_) relay->abort();
  if (poll_) poll_->want(false, false);
  pump_.cancel();
  ended_.schedule();
}

void Session::close() {
  if (codec_ && state_ != State::ended) {
    codec_->disconnect();
    write_socket();
  }
  enter(State::ended);
  pump_.cancel();
  ended_.cancel();
  work_.reset();
  connector_.reset();
}

void Session::on_loaded(Materials materials) {
  work_.reset();
  materials_ = std::move(materials);
  if (materials_.failure.reason != Reason::none) return fail(materials_.failure);
  enter(State::resolving);
  if (const auto numeric = loop::Address::numeric(tunnel_->host, tunnel_->port))
    return on_resolved(loop::Addresses{*numeric});
  work_ =
      loop::resolve(site_.loop, tunnel_->host, tunnel_->port,
                    [this](base::Result<loop::Addresses> addresses) { on_resolved(std::move(addresses)); });
}

void Session::on_resolved(base::Result<loop::Addresses> addresses) {
  work_.reset();
  if (!addresses) return fail({Reason::name_not_resolved, addresses.error().text()});
  enter(State::connecting);
  connector_ = std::make_unique<loop::Connector>(
      site_.loop, std::move(*addresses), tunnel_->connect_timeout,
      [this](base::Result<base::UniqueFd> fd) { on_connected(std::move(fd)); });
}

void Session::on_connected(base::Result<base::UniqueFd> fd) {
  connector_.reset();  // it allows that inside its callback
  if (!fd) {
    const Reason reason = connect_reason(fd.error());
    // The address says what the reason does not; other errors have more to tell.
    return fail({reason, reason == Reason::connect_failed ? fd.error().text() : fd.error().where});
  }
  fd_ = std::move(*fd);
  loop::set_no_delay(fd_.get());
  loop::set_user_timeout(fd_.get(), static_cast<std::uint32_t>(tunnel_->keepalive.user_timeout.count()));
  codec_ = site_.make_codec(fd_.get());
  poll_ =
      std::make_unique<loop::Poll>(site_.loop, "session-socket", fd_.get(), [this](loop::Ready) { wake(); });
  enter(State::queued);
  if (!handlers_.on_connected || handlers_.on_connected()) shake_hands();
}

void Session::shake_hands() {
  enter(State::exchanging);
  wake();
}

bool Session::step_exchanging() {
  const Step step = codec_->handshake(materials_.known_hosts.types());
  if (step == Step::again) return false;
  if (step == Step::failed) return fail(codec_->failure()), true;
  host_key_ = codec_->host_key();
  enter(State::verifying);
  return true;
}

// Before any credential is sent.
bool Session::step_verifying() {
  if (work_) return false;  // recording
  const std::string shown = host_key_.type + " " + host_key_.fingerprint();
  switch (materials_.known_hosts.check(host_key_)) {
    case HostKeyVerdict::known:
      enter(State::authenticating);
      return true;
    case HostKeyVerdict::revoked:
      return fail({Reason::host_key_revoked, shown}), true;
    case HostKeyVerdict::changed:
      return fail({Reason::host_key_changed, "the server shows " + shown}), true;
    case HostKeyVerdict::other_type:
      return fail(other_host_key_type(shown)), true;
    case HostKeyVerdict::unknown:
      break;
  }
  if (tunnel_->host_key == core::HostKeyPolicy::strict)
    return fail({Reason::host_key_unknown,
                 "the server shows " + shown + ", which " + tunnel_->known_hosts + " does not hold"}),
           true;
  site_.log.warn("host_key_recorded", {{"tunnel", tunnel_->name}, {"host", tunnel_->host}, {"key", shown}});
  work_ = loop::submit<Failure>(
      site_.loop, "record-host-key",
      [path = tunnel_->known_hosts, line = known_hosts_line(tunnel_->host, tunnel_->port, host_key_)] {
        return record_host_key(path, line);
      },
      [this](Failure failure) { on_recorded(std::move(failure)); });
  return false;
}

// Recorded types are asked for first, so a server that shows another has lost the recorded one, or is
// another. Only where none of them can be asked for is it no sign of either; and even accept-new then records
// nothing beside what is there.
Failure Session::other_host_key_type(const std::string& shown) const {
  const auto types = materials_.known_hosts.types();
  std::string recorded;
  for (const auto& type : types) recorded += (recorded.empty() ? "" : ", ") + type;
  const std::string fact = "known_hosts has only " + recorded + " for this host";
  if (std::any_of(types.begin(), types.end(), can_check))
    return {Reason::host_key_changed, fact + ", and the server shows " + shown};
  return {Reason::host_key_unknown, fact + ", which " + codec_version() + " cannot check: add the server's " +
                                        host_key_.type + " key (it shows " + host_key_.fingerprint() + ")"};
}

void Session::on_recorded(Failure failure) {
  work_.reset();
  if (failure.reason != Reason::none) return fail(std::move(failure));
  enter(State::authenticating);
  wake();
}

bool Session::step_authenticating() {
  const Step step = codec_->authenticate(materials_.credentials);
  if (step == Step::again) return false;
  materials_ = Materials{};  // the secrets are not needed again
  if (step == Step::failed) return fail(codec_->failure()), true;
  enter(State::listening);
  return true;
}

bool Session::step_listening() {
  while (listeners_.size() < tunnel_->forwards.size()) {
    const core::Forward& forward = tunnel_->forwards[listeners_.size()];
    Listener* listener = nullptr;
    if (forward.kind == core::ForwardKind::remote) {
      const Step step = codec_->listen(forward.listen, &listener);
      if (step == Step::again) return false;
      if (step == Step::failed) return fail(codec_->failure()), true;
      if (listener == nullptr)
        return fail({Reason::listener_refused,
                     "the server will not listen on " + core::to_string(forward.listen)}),
               true;
    }
    listeners_.push_back(listener);
  }
  enter(State::open);
  handlers_.on_open();
  return true;
}

}  // namespace fairlead::ssh
