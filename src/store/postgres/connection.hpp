// One connection to PostgreSQL, kept up: it looks host names up off the loop, tries the hosts of the
// connection string one by one, sets the session up, listens, and after a loss comes back by itself with
// jittered backoff. Owned by the store; loop thread only; nothing is called after it is destroyed, and
// everything it calls may destroy it.
//
//   stopped ─start()─▶ waiting ─▶ resolving ─▶ connecting ─▶ configuring ─▶ probing ─▶ ready
//                         ▲            └────────────┴──────────────┴────────────┴─────────┘ lost
//
// Every state has a deadline; in `ready` it is that of the oldest command under way, and without one the
// kernel's keepalives tell.
//
// A loss ends every command under way with Code::unavailable. **Its transaction may have been committed**:
// the caller cannot know, and must be able to say it again.
//
// A server process behind a pooler in transaction mode serves one transaction and then another client. That
// is seen at the start (its process id is not the one that this connection was told, and what somebody else
// notifies does not arrive): then nothing is prepared, settings go with each transaction, nobody listens, and
// hints() says so. It is found out once in the life of this object, as the waiting for it costs seconds.
#pragma once
#include <libpq-fe.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "core/backoff.hpp"
#include "loop/loop.hpp"
#include "loop/poll.hpp"
#include "loop/timer.hpp"
#include "loop/work.hpp"
#include "store/postgres/herald.hpp"
#include "store/postgres/pipeline.hpp"
#include "store/postgres/target.hpp"

namespace fairlead::store::postgres {

struct ConnectionSettings {
  std::string url;
  std::string password_file;               // read anew for each round of attempts; empty: libpq's own ways
  std::vector<core::StoreDetour> detours;  // of `store_via`
  std::vector<std::string> channels;       // to LISTEN on
  base::Millis connect_deadline{10'000};   // for a look-up, for one address, for setting up
  base::Millis probe_deadline{6'000};      // a pooler and a server that are busy take their time
  base::Millis statement_timeout{30'000};  // the server's
  base::Millis lock_timeout{10'000};       // the server's
  base::Millis reply_deadline{45'000};     // ours, from sending to the answer
  base::Millis backoff_initial{200}, backoff_max{15'000};
};

struct ConnectionEvents {
  std::function<void()> on_ready;                   // commands are taken from now on
  std::function<void(const base::Error&)> on_away;  // lost, or a round of attempts failed; it keeps trying
  std::function<void(std::string_view channel, std::string_view payload)> on_notify;
};

class Connection {
 public:
  enum class State : std::uint8_t {
    stopped,
    waiting,
    resolving,
    connecting,
    configuring,
    probing,
    ready,
  };

  // Code::bad_config when the connection string is wrong.
  static base::Result<std::unique_ptr<Connection>> make(loop::Loop& loop, base::Log& log,
                                                        ConnectionSettings settings, ConnectionEvents events);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void start();
  // Closes at once: what is under way ends with Code::unavailable, later.
  void stop();

  // One transaction: all commands or none. `done` comes once, later. When it is not ready: unavailable, and
  // nothing was sent. At the first error of a command the rest of the batch is not run.
  void run(std::vector<Command> commands, Done done);

  State state() const { return state_; }
  bool ready() const { return state_ == State::ready; }
  bool idle() const { return queue_.empty() && (!pipeline_ || pipeline_->empty()); }
  std::string place() const { return target_.place(); }
  std::string hints() const;   // "listen", or "poll: …" and why
  int server_version() const;  // 150004; 0 while there is none

 private:
  struct Notification {
    std::string channel, payload;
  };
  Connection(loop::Loop& loop, base::Log& log, ConnectionSettings settings, ConnectionEvents events,
             Target target);
  void enter(State state, base::Millis deadline);
  void on_deadline();
  bool heard_meanwhile();

  // connection.cpp: from nothing to a session
  void begin_round();
  void read_password();
  void try_host();
  void on_addresses(base::Result<loop::Addresses> addresses);
  void try_address();
  void open(const std::string& address);
  void go_on_connecting();
  void attempt_failed(base::Error error);
  void on_connected();
  void on_server_process(const base::Result<Replies>& replies);
  void ask_pooler();
  void on_herald(const base::Result<>& said);
  void on_shared_process(std::string why);
  void on_own_process();
  void choose_probe();
  void configure();
  void probe();
  void become_ready();

  // connection_io.cpp: a session at work
  void watch();
  void on_event();
  void pump();
  void flush();
  void take_notifications(const std::vector<Notification>& notifications);
  void deliver(std::vector<Pipeline::Finished> finished);
  void refuse();
  void lose(base::Error error);
  void go_away(const std::vector<Done>& left, base::Error why);
  std::vector<Done> take_all();
  void close();
  void arm_reply_deadline();
  std::vector<Command> session_settings(bool local) const;

  loop::Loop& loop_;
  base::Log& log_;
  const ConnectionSettings settings_;
  ConnectionEvents events_;
  const Target target_;
  base::Random random_;
  core::Backoff backoff_;
  State state_ = State::stopped;

  std::size_t next_host_ = 0;            // of this round
  std::vector<std::string> addresses_;   // of the host that is tried, still to be tried
  std::optional<std::string> password_;  // of this round; from the file
  base::Error round_error_;
  std::string said_;  // the error that was logged last, so that it is said once
  std::unique_ptr<loop::Work> work_;

  std::map<std::string, std::string> dialled_;  // the options of this attempt
  PGconn* connection_ = nullptr;
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<loop::Poll> poll_;  // gone before libpq closes or changes its descriptor
  std::string why_polling_;           // empty: hints come by LISTEN
  std::string probe_channel_, probe_payload_;
  std::unique_ptr<Herald> herald_;  // while a pooler is found out about
  bool herald_said_ = false;        // and the server has it
  bool pool_shares_ = false;        // it is known to be one in transaction mode
  base::SteadyTime ready_since_;

  std::vector<Batch> queue_;   // to be sent by the pump
  std::vector<Done> refused_;  // run() while it was not ready
  loop::Timer timer_;
  loop::Deferred pump_, next_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

std::string_view to_string(Connection::State state);

}  // namespace fairlead::store::postgres
