// Commands on their way to one server and the answers that come back, in libpq's pipeline mode: several
// batches may be under way, each of them one transaction. Private to Connection, which owns the PGconn, polls
// its descriptor and gives this one up with it. No callbacks here: what has finished is handed back.
#pragma once
#include <libpq-fe.h>

#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "store/postgres/reply.hpp"

namespace fairlead::store::postgres {

// Texts of static storage. Prepared under its name when it is first used on a connection; without a name it
// is parsed every time.
struct Statement {
  const char* name;
  const char* sql;
};

using Values = std::vector<std::optional<std::string>>;  // in text format; nothing is NULL
struct Command {
  Statement statement;
  Values values;
  std::string text = {};  // in place of the statement, where it is made up at run time; never prepared
};

using Replies = std::vector<Reply>;  // one for each command, in order
using Done = std::function<void(base::Result<Replies>)>;

struct Batch {
  std::vector<Command> commands;
  Done done;
};

class Pipeline {
 public:
  struct Finished {
    Done done;
    base::Result<Replies> result;
  };

  // `prefix` goes before the commands of every batch, in its transaction (behind a pooler); its reply is
  // dropped. With `may_prepare` off nothing is prepared: the next batch may meet another server process.
  Pipeline(PGconn* connection, bool may_prepare, std::vector<Command> prefix);

  void send(Batch batch);  // a failure shows in flush() or collect()
  // False: libpq could not write and wants to be called again when the socket is writable.
  base::Result<bool> flush();
  // What the server has answered. An error: the connection is of no more use.
  base::Result<std::vector<Finished>> collect();
  // The callbacks of what is still under way.
  std::vector<Done> give_up();

  bool empty() const { return under_way_.empty(); }
  base::SteadyTime oldest() const { return under_way_.front().sent; }  // precondition: !empty()

 private:
  struct UnderWay {
    Batch batch;
    std::size_t skipped = 0;  // replies to the prefix that are still to be dropped
    std::string prepares;     // the name, of an own step that prepares a statement
    base::SteadyTime sent;
    Replies replies;
    std::optional<base::Error> error;
  };
  void prepare(const Statement& statement);
  void send_command(const Command& command);
  void add(UnderWay entry);
  void note(PGresult* result);
  void finish(std::vector<Finished>& finished);

  PGconn* connection_;
  bool may_prepare_;
  std::vector<Command> prefix_;
  std::deque<UnderWay> under_way_;
  std::set<std::string, std::less<>> prepared_;
  std::optional<base::Error> refused_;      // libpq itself took no command
  std::optional<base::Error> preparation_;  // why the last statement could not be prepared
  bool ending_ = false;
};

}  // namespace fairlead::store::postgres
