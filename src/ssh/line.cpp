#include "ssh/line.hpp"

#include <utility>

namespace fairlead::ssh {

Line::Line(SessionSite& site, std::shared_ptr<const core::Tunnel> tunnel,
           std::vector<core::ForwardStatus>& statuses, std::vector<LocalListener*> listeners,
           Handlers handlers)
    : site_(site),
      tunnel_(tunnel),
      statuses_(statuses),
      listeners_(std::move(listeners)),
      handlers_(std::move(handlers)),
      session_(
          site, std::move(tunnel),
          {[this] { return !handlers_.on_connected || handlers_.on_connected(); }, [this] { on_open(); },
           [this](Failure failure) {
             const auto on_ended = std::move(handlers_.on_ended);
             on_ended(std::move(failure));  // destroys this
           },
           [this](std::size_t index, ChannelPtr channel) { remotes_[index]->on_accept(std::move(channel)); },
           [this] {
             bool moved = false;
             for (auto& remote : remotes_)
               if (remote) moved = remote->turn() || moved;
             return moved;
           }}),
      keepalive_(site.loop, "keepalive", [this] { session_.keepalive(); }) {}

Line::~Line() {
  prover_.reset();  // before the forwards it asks, and all of them before the session
  locals_.clear();
  remotes_.clear();
  for (auto& status : statuses_) {
    status.listening = false;
    status.proof = core::Proof::none;
  }
}

void Line::on_open() {
  std::vector<RemoteForward*> remotes;
  for (std::size_t i = 0; i < tunnel_->forwards.size(); ++i) {
    const bool remote = tunnel_->forwards[i].kind == core::ForwardKind::remote;
    remotes_.push_back(remote ? std::make_unique<RemoteForward>(site_, session_, *tunnel_, statuses_[i])
                              : nullptr);
    if (!remote) locals_.push_back(std::make_unique<LocalForward>(session_, *listeners_[i], statuses_[i]));
    remotes.push_back(remotes_.back().get());
    statuses_[i].listening = true;
  }
  keepalive_.start_aligned(tunnel_->keepalive.interval);
  prover_ = std::make_unique<Prover>(
      site_, session_, statuses_, std::move(remotes),
      Prover::Handlers{[this] { handlers_.on_ready(); },
                       [this](base::Millis took) { handlers_.on_crossed(took); },
                       [this](Failure failure) { session_.fail(std::move(failure)); }});
  handlers_.on_granted();
  prover_->start();
}

void Line::close() {
  session_.close();
}

}  // namespace fairlead::ssh
