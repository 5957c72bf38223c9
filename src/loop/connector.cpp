#include "loop/connector.hpp"

#include <algorithm>
#include <utility>

namespace fairlead::loop {

Connector::Connector(Loop& loop, std::vector<Address> addresses, base::Millis deadline, Done done)
    : loop_(loop),
      addresses_(std::move(addresses)),
      end_(base::steady_now() + deadline),
      done_(std::move(done)),
      last_error_{base::Code::not_found, "no address to connect to", {}},
      timer_(loop, "connect-deadline", [this] { on_timeout(); }),
      begin_(loop, "connect-begin", [this] { try_next(); }) {
  begin_.schedule();
}

Connector::~Connector() {
  if (fd_) set_reset_on_close(fd_.get());
}

void Connector::try_next() {
  poll_.reset();
  fd_.reset();
  while (next_ < addresses_.size()) {
    const Address& address = addresses_[next_++];
    auto started = start_connect(address);
    if (!started) {
      last_error_ = started.error();
      continue;
    }
    fd_ = std::move(*started);
    poll_ = std::make_unique<Poll>(loop_, "connect", fd_.get(), [this](Ready) { on_writable(); });
    poll_->want(false, true);
    const auto left = std::chrono::duration_cast<base::Millis>(end_ - base::steady_now());
    const auto shares = static_cast<std::int64_t>(addresses_.size() - next_ + 1);
    timer_.start(std::max(base::Millis(1), left / shares));
    return;
  }
  finish(last_error_);
}

void Connector::on_writable() {
  if (const int failure = connect_result(fd_.get()); failure != 0) {
    last_error_ = base::os_error("cannot connect", failure);
    last_error_.where = addresses_[next_ - 1].text();
    try_next();
    return;
  }
  poll_.reset();
  finish(std::move(fd_));
}

void Connector::on_timeout() {
  last_error_ = base::Error{base::Code::timed_out, "no answer to connect", addresses_[next_ - 1].text()};
  try_next();
}

void Connector::finish(base::Result<base::UniqueFd> result) {
  timer_.stop();
  const auto done = std::move(done_);
  done(std::move(result));  // may destroy this
}

}  // namespace fairlead::loop
