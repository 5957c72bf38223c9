// Keepalives against a real sshd (scripts/dev-sshd). Trap 10: one that wants a reply poisons the session, as
// no public call of libssh2 takes the replies out: they stay in memory, and answer the next listen request.
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include <functional>
#include <vector>

#include "cmocka.hpp"
#include "protocol/peers.hpp"
#include "ssh/libssh2_codec.hpp"
#if defined(__SANITIZE_ADDRESS__)
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();  // gcc 12 has no header for it
#endif

using namespace fairlead;
using ssh::Step;

namespace {

time_t clock_ahead = 0;  // seconds that time() is ahead

// Living heap of this process; the sanitizer's allocator has its own book.
std::size_t heap_in_use() {
#if defined(__SANITIZE_ADDRESS__)
  return __sanitizer_get_current_allocated_bytes();
#else
  return ::mallinfo2().uordblks;
#endif
}

std::string value_of(const std::string& line, const std::string& key) {
  const auto at = line.find(" " + key + "=");
  if (at == std::string::npos) fail_msg("no %s in: %s", key.c_str(), line.c_str());
  const auto from = at + key.size() + 2;
  return line.substr(from, line.find_first_of(" \n", from) - from);
}

class DevSshd {
 public:
  DevSshd() {
    int ends[2];
    assert_int_equal(::pipe2(ends, O_CLOEXEC), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGTERM);  // a test that fails leaves by longjmp, past the destructor
      ::dup2(ends[1], 1);
      const std::string folder = dir_.path() + "/sshd";
      ::execl(FAIRLEAD_SOURCE_ROOT "/scripts/dev-sshd", "dev-sshd", folder.c_str(),
              static_cast<char*>(nullptr));
      ::_exit(127);
    }
    ::close(ends[1]);
    base::UniqueFd out(ends[0]);
    while (line_.find('\n') == std::string::npos) {
      char byte = 0;
      if (::read(out.get(), &byte, 1) != 1) fail_msg("dev-sshd did not start");
      line_.push_back(byte);
    }
  }
  ~DevSshd() {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }
  DevSshd(const DevSshd&) = delete;
  DevSshd& operator=(const DevSshd&) = delete;
  std::string operator[](const std::string& key) const { return value_of(line_, key); }

 private:
  test::TempDir dir_;
  pid_t pid_ = -1;
  std::string line_;
};

// The codec driven by poll(2), without a loop.
class Client {
 public:
  explicit Client(const DevSshd& sshd)
      : fd_(test::connect_to(static_cast<std::uint16_t>(std::stoi(sshd["port"])))),
        codec_(ssh::make_libssh2_codec(fd_.get())) {
    const ssh::Credentials credentials{sshd["user"], *base::read_file(sshd["key"]), ""};
    assert_int_equal(drive([&] { return codec_->handshake({}); }), Step::done);
    assert_int_equal(drive([&] { return codec_->authenticate(credentials); }), Step::done);
  }
  ssh::Codec& codec() { return *codec_; }

  Step drive(const std::function<Step()>& act) {
    for (;;) {
      const Step step = act();
      flush();
      if (step != Step::again) return step;
      assert_true(test::await(fd_.get(), POLLIN));
      receive();
    }
  }
  void flush() {
    while (!codec_->output().empty()) {
      const auto bytes = codec_->output().front();
      const auto put = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (put > 0)
        codec_->output().consume(static_cast<std::size_t>(put));
      else
        assert_true(test::await(fd_.get(), POLLOUT));
    }
  }
  void receive() {
    std::string bytes;
    assert_true(test::read_available(fd_.get(), bytes));
    codec_->input().append({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  }
  void await_bytes() { assert_true(test::await(fd_.get(), POLLIN)); }
  void drain() {
    receive();
    assert_int_equal(codec_->drain(), Step::done);
    flush();
  }
  // Everything sent before has been answered when this comes back.
  void round_trip() {
    ssh::ChannelPtr channel;
    ssh::OpenResult result{};
    assert_int_equal(drive([&] { return codec_->open(nullptr, &channel, &result); }), Step::done);
    assert_int_equal(result, ssh::OpenResult::opened);
    channel.reset();
    drain();
    codec_->tidy();
    flush();
  }
  bool granted(std::uint16_t port) {
    ssh::Listener* listener = nullptr;
    const core::Endpoint endpoint{"127.0.0.1", port};
    assert_int_equal(drive([&] { return codec_->listen(endpoint, &listener); }), Step::done);
    return listener != nullptr;
  }
  void keepalives(int count) {
    for (int i = 0; i < count; ++i) {
      clock_ahead += 4;  // libssh2 sends none before its interval is over
      codec_->keepalive();
      assert_false(codec_->output().empty());
      if (codec_->output().size() > 32'768) {
        flush();
        drain();
      }
    }
    flush();
    round_trip();
  }

 private:
  base::UniqueFd fd_;
  std::unique_ptr<ssh::Codec> codec_;
};

std::uint16_t free_port() {
  static std::vector<base::UniqueFd> claims;  // nobody listens there yet
  auto made = test::listen_free();
  claims.push_back(std::move(made.claim));
  return made.port;
}

}  // namespace

// The clock of libssh2, which asks for seconds by this call: here it can be set forward.
extern "C" time_t time(time_t* into) noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const time_t seconds = now.tv_sec + clock_ahead;
  if (into != nullptr) *into = seconds;
  return seconds;
}

static void twenty_thousand_keepalives_leave_the_heap_flat(void**) {
  const DevSshd sshd;
  Client client(sshd);
  assert_true(client.granted(free_port()));
  client.keepalives(1'000);
  const auto before = heap_in_use();
  client.keepalives(20'000);
  const auto after = heap_in_use();
  // A reply left behind is 120 bytes; 64 KiB are room for what a run may hold besides.
  if (after > before + 65'536) fail_msg("the heap grew from %zu to %zu bytes", before, after);
}

static void a_listener_added_after_keepalives_is_judged_by_its_own_answer(void**) {
  const DevSshd sshd;
  Client client(sshd);
  assert_true(client.granted(free_port()));
  client.keepalives(100);
  const auto taken = test::listen_free();
  assert_true(client.granted(free_port()));
  assert_false(client.granted(taken.port));
  assert_true(client.granted(free_port()));
}

// A live server answers what wants a reply at once, also right after a keepalive, and the session works on.
static void asking_gives_a_sign_of_life(void**) {
  const DevSshd sshd;
  Client client(sshd);
  assert_true(client.granted(free_port()));
  for (int i = 0; i < 3; ++i) {
    client.keepalives(1);
    assert_true(client.codec().ask());
    client.flush();
    client.await_bytes();
    client.drain();
    client.round_trip();
  }
}

// The replies stay in libssh2, so there is an end to them.
static void there_is_an_end_to_asking(void**) {
  const DevSshd sshd;
  Client client(sshd);
  assert_true(client.granted(free_port()));
  int asked = 0;
  while (client.codec().ask()) {
    client.flush();
    client.await_bytes();
    client.drain();
    assert_true(++asked < 10'000);
  }
  assert_true(asked > 100);
  client.round_trip();
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(twenty_thousand_keepalives_leave_the_heap_flat),
      cmocka_unit_test(a_listener_added_after_keepalives_is_judged_by_its_own_answer),
      cmocka_unit_test(asking_gives_a_sign_of_life),
      cmocka_unit_test(there_is_an_end_to_asking),
  };
  return cmocka_run_group_tests_name("keepalive", tests, nullptr, nullptr);
}
