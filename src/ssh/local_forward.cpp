#include "ssh/local_forward.hpp"

#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "loop/address.hpp"

namespace fairlead::ssh {

namespace {
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
constexpr int kAcceptsPerTurn = 64;
constexpr base::Millis kPause = 250ms;
constexpr base::Millis kOpenDeadline = 20s;
constexpr std::size_t kMaxWaiting = 256;

void reset(base::UniqueFd fd) {
  loop::set_reset_on_close(fd.get());
}  // closed with RST on return
}  // namespace

base::Result<std::vector<base::UniqueFd>> LocalListener::bind(const core::Endpoint& endpoint) {
  std::vector<loop::Address> addresses;
  if (endpoint.host == "localhost") {
    addresses = {*loop::Address::numeric("127.0.0.1", endpoint.port),
                 *loop::Address::numeric("::1", endpoint.port)};
  } else if (const auto numeric =
                 loop::Address::numeric(endpoint.host == "*" ? "0.0.0.0" : endpoint.host, endpoint.port)) {
    addresses = {*numeric};
  } else {
    return base::Error{base::Code::bad_config, "a local listener needs a numeric address or localhost",
                       endpoint.host};
  }
  std::vector<base::UniqueFd> fds;
  for (const auto& address : addresses) {
    auto fd = loop::listen_on(address);
    if (fd)
      fds.push_back(std::move(*fd));
    else if (fds.empty() || fd.error().code == base::Code::conflict)
      return fd.error();  // the second of two is missing only where there is no IPv6
  }
  return fds;
}

LocalListener::LocalListener(loop::Loop& loop, std::vector<base::UniqueFd> fds, core::ForwardStatus& counters)
    : fds_(std::move(fds)), counters_(counters), pause_(loop, "accept-pause", [this] { resume(); }) {
  for (std::size_t i = 0; i < fds_.size(); ++i)
    polls_.push_back(std::make_unique<loop::Poll>(loop, "local-listener", fds_[i].get(),
                                                  [this, i](loop::Ready) { on_ready(i); }));
  resume();
}

void LocalListener::resume() {
  for (auto& poll : polls_) poll->want(true, false);
}

void LocalListener::on_ready(std::size_t index) {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    auto accepted = loop::accept_one(fds_[index].get());
    if (!accepted) {
      polls_[index]->want(false, false);
      pause_.start(kPause);
      return;
    }
    if (!*accepted) return;
    if (on_connection_) {
      on_connection_(std::move(**accepted));
    } else {
      ++counters_.refused;
      reset(std::move(**accepted));
    }
  }
}

base::Result<std::vector<base::UniqueFd>> LocalListener::duplicate() const {
  std::vector<base::UniqueFd> copies;
  for (const auto& fd : fds_) {
    copies.emplace_back(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
    if (!copies.back()) return base::os_error("cannot duplicate a listener", errno);
  }
  return copies;
}

LocalForward::LocalForward(Session& session, LocalListener& listener, core::ForwardStatus& counters)
    : session_(session), listener_(listener), counters_(counters) {
  listener_.serve([this](base::UniqueFd fd) { on_connection(std::move(fd)); });
}

LocalForward::~LocalForward() {
  listener_.serve(nullptr);
  for (auto& waiting : waiting_) {
    session_.opener().cancel(waiting.id);
    reset(std::move(waiting.fd));
  }
}

void LocalForward::on_connection(base::UniqueFd fd) {
  ++counters_.connections;
  counters_.last_activity = base::wall_now();
  if (waiting_.size() >= kMaxWaiting || session_.full()) {
    ++counters_.refused;
    return reset(std::move(fd));
  }
  waiting_.push_back({0, std::move(fd), ActiveCount(counters_)});
  const auto waiting = std::prev(waiting_.end());
  waiting->id = session_.opener().open(counters_.forward.target, kOpenDeadline,
                                       [this, waiting](OpenResult result, ChannelPtr channel) {
                                         on_opened(waiting, result, std::move(channel));
                                       });
  session_.wake();
}

void LocalForward::on_opened(std::list<Waiting>::iterator waiting, OpenResult result, ChannelPtr channel) {
  base::UniqueFd fd = std::move(waiting->fd);
  waiting_.erase(waiting);
  if (result != OpenResult::opened) {
    ++counters_.refused;
    return reset(std::move(fd));
  }
  session_.join(std::move(channel), std::move(fd), {}, core::ForwardKind::local, counters_);
}

}  // namespace fairlead::ssh
