// Proves that an open session carries data, and notices when it stops to.
//
// A remote forward is proven end to end: a direct-tcpip channel from the server's side to the forwarded port
// carries a nonce, which must come back as the first bytes of an accepted channel (RemoteForward compares). A
// local forward is proven when the server can open its target. Where the server forbids the channel the proof
// is `none` until real traffic crosses; then a bare session channel's round trip still tells a frozen server
// from a quiet one.
//
// Owned by the Line; dies before the session. Handlers are called from the loop, not from inside a call.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "core/status.hpp"
#include "loop/timer.hpp"
#include "ssh/remote_forward.hpp"
#include "ssh/session.hpp"

namespace fairlead::ssh {

class Prover {
 public:
  struct Handlers {
    std::function<void()> on_first_round;          // every forward was tried once; their proofs are set
    std::function<void(base::Millis)> on_crossed;  // a nonce came back, after so long
    std::function<void(Failure)> on_lost;          // the line carries nothing any more
  };
  // `statuses[i]` belongs to forward i; `remotes[i]` is null for local forwards. All outlive the prover.
  Prover(SessionSite& site, Session& session, std::vector<core::ForwardStatus>& statuses,
         std::vector<RemoteForward*> remotes, Handlers handlers);
  ~Prover();
  Prover(const Prover&) = delete;
  Prover& operator=(const Prover&) = delete;

  void start();  // the first round; later ones come by themselves

 private:
  enum class Kind : std::uint8_t { none, nonce, target, liveness };
  void on_tick();
  void next_in_round();
  void begin(Kind kind, std::size_t index);
  void open();
  bool patient() const;
  void on_opened(OpenResult result, ChannelPtr channel);
  void on_nonce_opened(ChannelPtr channel);
  void on_no_answer(OpenResult result);
  void on_crossed();
  void listen_for_answer();
  void on_silence();
  bool inconclusive() const;
  void settle(core::Proof proof);
  void finish();
  bool can_prove(std::size_t index) const;
  bool waits_its_turn() const;
  Failure silence_failure() const;

  SessionSite& site_;
  Session& session_;
  std::vector<core::ForwardStatus>& statuses_;
  std::vector<RemoteForward*> remotes_;
  // The server forbids this forward's probe, or its target never answers: not asked again in this session.
  std::vector<bool> forbidden_;
  Handlers handlers_;

  Kind kind_ = Kind::none;  // of the probe under way
  std::size_t index_ = 0;
  bool first_round_ = true;
  std::vector<std::size_t> round_;  // indexes still to probe, last one next
  ChannelOpener::Id open_id_ = 0;   // 0: the channel is open, or none was asked for
  ChannelPtr channel_;
  Nonce nonce_{};
  base::SteadyTime began_;           // the question; while it waits behind others, not yet
  base::SteadyTime proofs_asked_;    // all forwards were, or one was proven
  int misses_ = 0;                   // inconclusive nonces in a row
  std::uint64_t bytes_at_sent_ = 0;  // of the nonce
  std::uint64_t bytes_at_window_ = 0;
  bool last_half_ = false;  // of the window
  bool asked_ = false;      // past the open that ours waits behind
  std::uint64_t bytes_at_tick_ = 0;
  loop::Timer silence_;
  loop::Timer tick_;
  loop::Deferred first_round_done_;
};

}  // namespace fairlead::ssh
