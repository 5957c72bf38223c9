// A throw-away PostgreSQL (scripts/dev-postgres) of a test program: started by it, gone with it.
#pragma once
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "base/unique_fd.hpp"
#include "cmocka.hpp"
#include "temp_folder.hpp"

class PostgresServer {
 public:
  PostgresServer() { start(); }
  ~PostgresServer() { stop(); }
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  // "url" (TCP, asks for a password), "socket_url", "password_file", "port", "pid", "user", "database".
  std::string operator[](const std::string& key) const {
    const auto at = line_.find(" " + key + "=");
    if (at == std::string::npos) fail_msg("no %s in: %s", key.c_str(), line_.c_str());
    const auto from = at + key.size() + 2;
    return line_.substr(from, line_.find_first_of(" \n", from) - from);
  }

  // The same server again: port and data stay.
  void start() {
    int ends[2];
    assert_int_equal(::pipe2(ends, O_CLOEXEC), 0);
    line_.clear();
    script_ = ::fork();
    if (script_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGTERM);  // a test that fails leaves by longjmp, past the destructor
      ::dup2(ends[1], 1);
      ::execl(FAIRLEAD_SOURCE_ROOT "/scripts/dev-postgres", "dev-postgres", folder_.path().c_str(),
              static_cast<char*>(nullptr));
      ::_exit(127);
    }
    ::close(ends[1]);
    const fairlead::base::UniqueFd out(ends[0]);
    while (line_.find('\n') == std::string::npos) {
      char byte = 0;
      if (::read(out.get(), &byte, 1) != 1) fail_msg("dev-postgres did not start");
      line_.push_back(byte);
    }
  }
  void stop() {
    if (script_ < 0) return;
    ::kill(script_, SIGTERM);
    ::waitpid(script_, nullptr, 0);
    script_ = -1;
  }
  // Every process of it at once, as in a power cut; what it had committed is there after start().
  void crash() {
    ::kill(std::atoi((*this)["pid"].c_str()), SIGKILL);
    ::waitpid(script_, nullptr, 0);  // it notices, and leaves the folder
    script_ = -1;
  }
  void freeze() const { ::kill(std::atoi((*this)["pid"].c_str()), SIGSTOP); }
  void thaw() const { ::kill(std::atoi((*this)["pid"].c_str()), SIGCONT); }

 private:
  TempFolder folder_;
  pid_t script_ = -1;
  std::string line_;
};

// A test program's one server: set-up and tear-down of its group.
inline std::unique_ptr<PostgresServer> server;

inline int start_server(void**) {
  server = std::make_unique<PostgresServer>();
  return 0;
}
inline int stop_server(void**) {
  server.reset();
  return 0;
}
