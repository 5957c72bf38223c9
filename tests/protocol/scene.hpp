// A tunnel's configuration on disk, a server's port, a loop: all that a Session needs but its codec.
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "loop/timer.hpp"
#include "protocol/peers.hpp"
#include "protocol/scripted_codec.hpp"
#include "ssh/known_hosts.hpp"
#include "ssh/session.hpp"

namespace fairlead::test {

class Scene {
 public:
  // With the scripted codec; set site.make_codec for another.
  Scene() {
    const auto key = base::read_file(FAIRLEAD_SOURCE_ROOT "/tests/fixtures/keys/ed25519");
    assert_true(key.ok());
    tunnel->name = "attic";
    tunnel->host = "127.0.0.1";
    tunnel->port = server.port;
    tunnel->ssh_user = "ops";
    tunnel->ssh_key = dir.write("id_ed25519", *key);
    tunnel->known_hosts =
        dir.write("known_hosts", ssh::known_hosts_line(tunnel->host, tunnel->port, script->host_key));
  }
  // Nothing may be left on the loop.
  ~Scene() {
    const auto drained = loop.drain(std::chrono::seconds(60));
    if (!drained) print_error("%s\n", drained.error().text().c_str());
  }  // ~Loop aborts with the names of what is left
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  // Runs the loop until it holds; `meanwhile` is done every millisecond. The limit only ends a hang.
  void until(const char* what, const std::function<bool()>& holds) {
    const auto end = base::steady_now() + std::chrono::seconds(90);
    bool held = holds();
    loop::Timer check(loop, "test-check", [&] {
      if (meanwhile) meanwhile();
      held = held || holds();
      if (held || base::steady_now() > end) loop.stop();
    });
    check.start_repeating(base::Millis(1));
    while (!held && base::steady_now() <= end) loop.run();
    if (!held) fail_msg("in vain: %s", what);
  }
  // Turns of the loop in which something that must not happen could.
  void turns(int count) {
    int left = count;
    until("turns", [&] { return --left < 0; });
  }

  // The server's end of the session's connection.
  base::UniqueFd peer() {
    base::UniqueFd fd;
    until("the session connects", [&] {
      auto accepted = loop::accept_one(server.fd.get());
      if (accepted.ok() && accepted->has_value()) fd = std::move(**accepted);
      return static_cast<bool>(fd);
    });
    return fd;
  }

  loop::Loop loop;
  base::Log log;
  std::vector<std::uint8_t> scratch = std::vector<std::uint8_t>(64 << 10);
  ScriptPtr script = std::make_shared<Script>();
  TempDir dir;
  Listening server = listen_free();
  std::shared_ptr<core::Tunnel> tunnel = std::make_shared<core::Tunnel>();
  ssh::SessionSite site{
      loop, log, scratch, [this](int) { return std::make_unique<ScriptedCodec>(script); }, {}};
  std::function<void()> meanwhile;
};

}  // namespace fairlead::test
