#include "store/postgres/connection.hpp"

#include <netdb.h>

#include <array>

#include "base/file.hpp"
#include "base/permissions.hpp"
#include "base/text.hpp"
#include "store/postgres/dial.hpp"

namespace fairlead::store::postgres {

namespace {

constexpr std::size_t kMaxPassword = 4096;
constexpr char kTransactionMode[] = "a connection pooler in transaction mode";

std::string numeric_host(const loop::Address& address) {
  char text[NI_MAXHOST] = {};
  if (::getnameinfo(address.raw(), address.length(), text, sizeof text, nullptr, 0, NI_NUMERICHOST) != 0)
    return {};
  return text;
}

base::Result<std::string> password_from(const std::string& path) {
  auto text = base::read_file(path, kMaxPassword);
  if (!text) return text.error();
  // As libpq does with a password file.
  if (base::others_can_read(path))
    return base::Error{base::Code::forbidden, "can be read by others: chmod 600 it", path};
  const auto password = base::trim(*text);
  if (password.empty() || password.find_first_of("\r\n") != std::string_view::npos)
    return base::Error{base::Code::bad_config, "must hold a password on one line", path};
  return std::string(password);
}

std::string quoted_identifier(const std::string& name) {
  return "\"" + name + "\"";  // ours: letters, digits and underscores
}

std::string random_hex() {
  std::array<std::uint8_t, 8> bytes;
  base::secure_random(bytes);
  return base::hex(bytes);
}

}  // namespace

std::string_view to_string(Connection::State state) {
  constexpr std::string_view kNames[] = {"stopped",     "waiting", "resolving", "connecting",
                                         "configuring", "probing", "ready"};
  return kNames[static_cast<std::size_t>(state)];
}

base::Result<std::unique_ptr<Connection>> Connection::make(loop::Loop& loop, base::Log& log,
                                                           ConnectionSettings settings,
                                                           ConnectionEvents events) {
  auto target = parse_target(settings.url);
  if (!target) return target.error();
  apply_detours(*target, settings.detours);
  return std::unique_ptr<Connection>(
      new Connection(loop, log, std::move(settings), std::move(events), std::move(*target)));
}

Connection::Connection(loop::Loop& loop, base::Log& log, ConnectionSettings settings, ConnectionEvents events,
                       Target target)
    : loop_(loop),
      log_(log),
      settings_(std::move(settings)),
      events_(std::move(events)),
      target_(std::move(target)),
      random_(base::random_seed()),
      backoff_(settings_.backoff_initial, settings_.backoff_max),
      timer_(loop, "postgres deadline", [this] { on_deadline(); }),
      pump_(loop, "postgres pump", [this] { pump(); }),
      next_(loop, "postgres next", [this] { try_address(); }) {}

Connection::~Connection() {
  *alive_ = false;
  close();
}

void Connection::start() {
  if (state_ != State::stopped) return;
  enter(State::waiting, base::Millis(0));
}

void Connection::stop() {
  if (state_ == State::stopped) return;
  auto left = state_ == State::ready ? take_all() : std::vector<Done>{};
  close();
  next_.cancel();
  enter(State::stopped, base::Millis(0));
  std::move(left.begin(), left.end(), std::back_inserter(refused_));
  pump_.schedule();
}

void Connection::enter(State state, base::Millis deadline) {
  log_.debug("postgres_state", {{"from", to_string(state_)}, {"to", to_string(state)}});
  state_ = state;
  if (state == State::stopped || state == State::ready)
    timer_.stop();
  else
    timer_.start(deadline);
}

void Connection::on_deadline() {
  const auto late = [&](const char* what) { return base::Error{base::Code::timed_out, what, {}}; };
  switch (state_) {
    case State::stopped:
      return;
    case State::waiting:
      return begin_round();
    case State::resolving:
      work_.reset();
      addresses_.clear();
      return attempt_failed(late("the name server does not answer"));
    case State::connecting:
      return attempt_failed(late("no answer"));
    case State::configuring:
      return lose(late("no answer to the first commands"));
    case State::probing:
      if (heard_meanwhile()) return;
      if (!pipeline_->empty()) return lose(late("no answer to the first commands"));
      if (herald_ && !herald_said_)
        return on_shared_process("a pooler that takes no second connection: no answer");
      if (herald_) {
        pool_shares_ = true;
        return on_shared_process(kTransactionMode);
      }
      why_polling_ = "a NOTIFY to ourselves did not arrive";
      return become_ready();
    case State::ready:
      if (pipeline_->empty()) return;
      if (base::steady_now() >= pipeline_->oldest() + settings_.reply_deadline)
        return lose(late("no answer to a command"));
      return arm_reply_deadline();
  }
}

// We may have stood still ourselves: what has come meanwhile is not late.
bool Connection::heard_meanwhile() {
  const auto alive = alive_;
  on_event();
  return !*alive || state_ != State::probing || !pipeline_;
}

void Connection::begin_round() {
  next_host_ = 0;
  addresses_.clear();
  round_error_ = {};
  enter(State::resolving, settings_.connect_deadline);
  if (settings_.password_file.empty()) return try_host();
  work_ = loop::submit<base::Result<std::string>>(
      loop_, "postgres password", [path = settings_.password_file] { return password_from(path); },
      [this](base::Result<std::string> password) {
        if (!password) {
          next_host_ = target_.hosts.size();
          return attempt_failed(password.error());
        }
        password_ = std::move(*password);
        try_host();
      });
}

void Connection::try_host() {
  if (next_host_ >= target_.hosts.size()) return go_away({}, std::move(round_error_));
  const auto& host = target_.hosts[next_host_++];
  enter(State::resolving, settings_.connect_deadline);
  const auto name = host.lookup();
  if (name.empty()) {
    addresses_ = {host.address};
    next_.schedule();
    return;
  }
  work_ = loop::resolve(loop_, name, 0, [this](base::Result<loop::Addresses> addresses) {
    on_addresses(std::move(addresses));
  });
}

void Connection::on_addresses(base::Result<loop::Addresses> addresses) {
  if (!addresses) return attempt_failed(addresses.error());
  for (const auto& address : *addresses)
    if (auto text = numeric_host(address); !text.empty()) addresses_.push_back(std::move(text));
  next_.schedule();
}

void Connection::try_address() {
  if (addresses_.empty()) return try_host();
  const auto address = std::move(addresses_.front());
  addresses_.erase(addresses_.begin());
  open(address);
}

void Connection::open(const std::string& address) {
  auto options = target_.options;
  const auto& host = target_.hosts[next_host_ - 1];
  if (password_) options["password"] = *password_;
  if (!host.name.empty()) options["host"] = host.name;  // certificates and passfile know it by this name
  if (!address.empty()) options["hostaddr"] = address;
  if (const auto& port = host.dial_port.empty() ? host.port : host.dial_port; !port.empty())
    options["port"] = port;
  dialled_ = options;
  enter(State::connecting, settings_.connect_deadline);
  connection_ = dial(dialled_);
  if (connection_ == nullptr) return attempt_failed({base::Code::io, "out of memory", {}});
  if (PQstatus(connection_) == CONNECTION_BAD) return attempt_failed(connection_error(connection_));
  PQsetNoticeProcessor(
      connection_,
      [](void* self, const char* text) {
        static_cast<Connection*>(self)->log_.debug("postgres_notice", {{"text", base::trim(text)}});
      },
      this);
  poll_ = std::make_unique<loop::Poll>(loop_, "postgres connect", PQsocket(connection_),
                                       [this](loop::Ready) { go_on_connecting(); });
  poll_->want(false, true);
}

void Connection::go_on_connecting() {
  poll_.reset();  // libpq may close the descriptor and open another
  const auto wants = PQconnectPoll(connection_);
  if (wants == PGRES_POLLING_FAILED) return attempt_failed(connection_error(connection_));
  if (wants == PGRES_POLLING_OK) return on_connected();
  poll_ = std::make_unique<loop::Poll>(loop_, "postgres connect", PQsocket(connection_),
                                       [this](loop::Ready) { go_on_connecting(); });
  poll_->want(wants == PGRES_POLLING_READING, wants == PGRES_POLLING_WRITING);
}

// The round goes on with the next address or host.
void Connection::attempt_failed(base::Error error) {
  close();
  timer_.stop();
  if (error.where.empty() && next_host_ > 0 && next_host_ <= target_.hosts.size())
    error.where = target_.hosts[next_host_ - 1].text();
  if (round_error_.message.empty())
    round_error_ = std::move(error);
  else
    round_error_.message += "; " + error.text();
  next_.schedule();
}

void Connection::on_connected() {
  PQsetnonblocking(connection_, 1);
  enter(State::configuring, settings_.connect_deadline);
  why_polling_.clear();
  probe_channel_.clear();
  if (PQenterPipelineMode(connection_) != 1) return lose(connection_error(connection_));
  pipeline_ = std::make_unique<Pipeline>(connection_, false, std::vector<Command>{});
  watch();
  queue_.push_back({{{{"", "select pg_backend_pid()"}, {}}},
                    [this](const base::Result<Replies>& replies) { on_server_process(replies); }});
  pump();
}

// A pooler makes process ids up (it must: they are what a cancel request names).
void Connection::on_server_process(const base::Result<Replies>& replies) {
  if (!replies) return lose(replies.error());
  const bool pooled = (*replies)[0].integer(0, 0) != PQbackendPID(connection_);
  if (!pooled) return on_own_process();
  if (pool_shares_) return on_shared_process(kTransactionMode);
  ask_pooler();
}

// What a pooler in transaction mode passes on while no transaction is open is nothing: so somebody else has
// to say something now.
void Connection::ask_pooler() {
  choose_probe();
  queue_.push_back({{{{"", ""}, {}, "listen " + quoted_identifier(probe_channel_)}},
                    [this](const base::Result<Replies>& replies) {
                      if (!replies) return lose(replies.error());
                      enter(State::probing, settings_.connect_deadline);
                      herald_said_ = false;
                      herald_ =
                          std::make_unique<Herald>(loop_, dialled_, probe_channel_, probe_payload_,
                                                   [this](const base::Result<>& said) { on_herald(said); });
                    }});
  pump_.schedule();
}

// From now on it is late; before, it was the second connection that took its time.
void Connection::on_herald(const base::Result<>& said) {
  if (!said) return on_shared_process("a pooler that takes no second connection: " + said.error().message);
  herald_said_ = true;
  enter(State::probing, settings_.probe_deadline);
}

void Connection::on_shared_process(std::string why) {
  why_polling_ = "this is " + std::move(why);
  herald_.reset();
  become_ready();
}

// Our server process serves nobody else, by a pooler in session mode or without one.
void Connection::on_own_process() {
  herald_.reset();
  enter(State::configuring, settings_.connect_deadline);
  pipeline_ = std::make_unique<Pipeline>(connection_, true, std::vector<Command>{});
  configure();
}

void Connection::choose_probe() {
  probe_channel_ = "fairlead_probe_" + random_hex();
  probe_payload_ = random_hex();
}

void Connection::configure() {
  if (probe_channel_.empty()) choose_probe();
  auto commands = session_settings(false);
  std::vector<std::string> channels = settings_.channels;
  channels.push_back(probe_channel_);
  for (const auto& channel : channels)
    commands.push_back({{"", ""}, {}, "listen " + quoted_identifier(channel)});
  queue_.push_back({std::move(commands), [this](base::Result<Replies> replies) {
                      if (!replies) return lose(replies.error());
                      probe();
                    }});
  pump_.schedule();
}

// A connection that may listen and yet hears nothing is worse than one that knows that it must ask.
void Connection::probe() {
  enter(State::probing, settings_.probe_deadline);
  queue_.push_back({{{{"", "select pg_notify($1, $2)"}, {probe_channel_, probe_payload_}}},
                    [this](base::Result<Replies> replies) {
                      if (!replies) lose(replies.error());
                    }});
  pump_.schedule();
}

void Connection::become_ready() {
  if (!why_polling_.empty()) {
    pipeline_ = std::make_unique<Pipeline>(connection_, false, session_settings(true));
    log_.warn("postgres_polls", {{"place", place()},
                                 {"why", why_polling_},
                                 {"cure", "connect to the server itself, or to a pooler in session mode"}});
  }
  log_.info("postgres_connected", {{"place", target_.hosts[next_host_ - 1].text()},
                                   {"server_version", server_version()},
                                   {"hints", hints()}});
  said_.clear();
  ready_since_ = base::steady_now();
  enter(State::ready, base::Millis(0));
  if (!probe_channel_.empty())
    run({{{"", ""}, {}, "unlisten " + quoted_identifier(probe_channel_)}}, nullptr);
  probe_channel_.clear();
  events_.on_ready();
}

std::string Connection::hints() const {
  return why_polling_.empty() ? "listen" : "poll: " + why_polling_;
}

int Connection::server_version() const {
  return connection_ == nullptr ? 0 : PQserverVersion(connection_);
}

}  // namespace fairlead::store::postgres
