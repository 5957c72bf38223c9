#include "ssh/libssh2_codec.hpp"

#include <libssh2.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "ssh/algorithms.hpp"

namespace fairlead::ssh {

namespace {

constexpr std::size_t kLargestBlock =
    32;  // libssh2's MAX_BLOCKSIZE: fewer bytes may leave it waiting for the rest
constexpr unsigned int kListenerQueue = 1024;  // connections the server may announce within one drain()
constexpr long kOpenTimeoutSeconds = 15;       // 1.11 only; 1.10 has 60 s built in
constexpr unsigned int kKeepaliveGap = 2;      // seconds; no two keepalives come closer
constexpr unsigned int kNoGap = ~0U;           // an int to the library: -1, which every gap exceeds
constexpr int kMostReplies = 256;              // of ask(); each stays in memory, 120 bytes

// What an error of the transport means once the session is open.
core::Reason reason_of(int code) {
  switch (code) {
    case LIBSSH2_ERROR_SOCKET_DISCONNECT:
    case LIBSSH2_ERROR_SOCKET_RECV:
    case LIBSSH2_ERROR_SOCKET_SEND:
      return core::Reason::connection_closed;
    case LIBSSH2_ERROR_TIMEOUT:
      return core::Reason::server_frozen;
    case LIBSSH2_ERROR_ALLOC:
      return core::Reason::internal;
    default:
      return core::Reason::transport_corrupt;
  }
}

core::Reason handshake_reason(int code) {
  switch (code) {
    case LIBSSH2_ERROR_KEX_FAILURE:
    case LIBSSH2_ERROR_METHOD_NONE:
      return core::Reason::no_common_algorithm;
    case LIBSSH2_ERROR_INVALID_MAC:
    case LIBSSH2_ERROR_DECRYPT:
      return core::Reason::transport_corrupt;
    default:
      return core::Reason::handshake_failed;
  }
}

core::Reason auth_reason(int code, bool has_passphrase) {
  switch (code) {
    case LIBSSH2_ERROR_AUTHENTICATION_FAILED:
    case LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED:
      return core::Reason::auth_refused;
    case LIBSSH2_ERROR_FILE:
    case LIBSSH2_ERROR_KEYFILE_AUTH_FAILED:  // an openssh-key-v1 file that does not open
      return has_passphrase ? core::Reason::passphrase_wrong : core::Reason::key_unsupported;
    default:
      return reason_of(code);
  }
}

// The peer closed under a writer: the relay sees that by closed_by_peer(); the session lives on.
bool closed_to_us(std::ptrdiff_t code) {
  return code == LIBSSH2_ERROR_CHANNEL_CLOSED || code == LIBSSH2_ERROR_CHANNEL_EOF_SENT;
}

class Libssh2Codec;

// What a channel was given and the library would not take: while keys are exchanged anew (RFC 4253 section 9)
// nothing else may be sent, and every call that sends answers EAGAIN, however much room there is. A repeated
// channel_write must bring the same bytes, so they are kept here.
struct Unsent {
  std::string bytes;
  bool eof = false;
  bool empty() const { return bytes.empty() && !eof; }
};

class Libssh2Listener final : public Listener {
 public:
  explicit Libssh2Listener(LIBSSH2_LISTENER* handle) : raw(handle) {}
  LIBSSH2_LISTENER* raw;  // freed with the session
};

class Libssh2Channel final : public Channel {
 public:
  Libssh2Channel(Libssh2Codec& codec, LIBSSH2_CHANNEL* raw) : codec_(codec), raw_(raw) {}
  ~Libssh2Channel() override;
  bool readable() override {
    return libssh2_poll_channel_read(raw_, 0) != 0 || libssh2_channel_eof(raw_) == 1;
  }
  std::ptrdiff_t read(std::span<std::uint8_t> into) override;
  std::size_t window() const override { return unsent_.empty() ? libssh2_channel_window_write(raw_) : 0; }
  std::ptrdiff_t write(std::span<const std::uint8_t> bytes) override;
  void send_eof() override;
  bool closed_by_peer() override {
    return libssh2_channel_eof(raw_) == 1 && libssh2_channel_wait_closed(raw_) == 0;
  }
  LIBSSH2_CHANNEL* raw() { return raw_; }
  Unsent& unsent() { return unsent_; }

 private:
  Libssh2Codec& codec_;
  LIBSSH2_CHANNEL* raw_;
  Unsent unsent_;
};

class Libssh2Codec final : public Codec {
 public:
  explicit Libssh2Codec(int socket);
  ~Libssh2Codec() override;
  Libssh2Codec(const Libssh2Codec&) = delete;
  Libssh2Codec& operator=(const Libssh2Codec&) = delete;

  Step handshake(const std::vector<std::string>& host_key_types) override;
  HostKey host_key() const override;
  std::string algorithms() const override;
  Step authenticate(const Credentials& credentials) override;
  Step listen(const core::Endpoint& endpoint, Listener** listener) override;
  ChannelPtr accept(Listener* listener) override;
  Step open(const core::Endpoint* target, ChannelPtr* channel, OpenResult* result) override;
  Step drain() override;
  void tidy() override;
  void keepalive() override;
  bool ask() override;
  void disconnect() override;

  // For the channels.
  Step fail(int code, core::Reason reason);
  void retire(Libssh2Channel* channel);
  // Hands over what it can. True when nothing is left, also where the peer has closed and nobody wants it.
  bool send(LIBSSH2_CHANNEL* raw, Unsent& unsent);

 private:
  static ssize_t on_send(int, const void* bytes, size_t length, int, void** self) noexcept;
  static ssize_t on_receive(int, void* into, size_t length, int, void** self) noexcept;
  static void on_disconnect(LIBSSH2_SESSION*, int reason, const char* text, int length, const char*, int,
                            void** self) noexcept;
  static int on_mac_error(LIBSSH2_SESSION*, const char*, int, void** self) noexcept;
  template <typename Function>
  void set_callback(int which, Function* function);
  std::string last_error() const;
  bool drained() const { return input_.empty() && starved_; }
  ChannelPtr adopt(LIBSSH2_CHANNEL* raw);
  OpenResult open_result() const;
  int drain_by_channel();

  LIBSSH2_SESSION* session_;
  int socket_;
  bool prepared_ = false;    // preferences are set
  bool exchanging_ = false;  // handshake() is under way
  bool dead_ =
      false;  // the session ends: input reads as closed, output is dropped, so that freeing cannot block
  bool starved_ = true;        // the last receive found nothing: the library has consumed all it was given
  std::size_t last_take_ = 0;  // bytes of the last receive
  bool mac_error_ = false;
  int replies_ = 0;      // asked for by ask()
  std::string goodbye_;  // the server's SSH_MSG_DISCONNECT
  std::vector<std::unique_ptr<Libssh2Listener>> listeners_;
  std::vector<std::pair<Listener*, ChannelPtr>> accepted_;  // by drain(), not fetched yet
  std::vector<Libssh2Channel*> channels_;                   // alive, owned by whoever got them
  struct Closing {
    LIBSSH2_CHANNEL* raw;
    Unsent unsent;
  };
  std::vector<Closing> closing_;  // owners gone, waiting for the peer's CLOSE
};

Libssh2Channel::~Libssh2Channel() {
  codec_.retire(this);
}

// Reading re-opens the window, which stays at the library's 2 MB: that bounds one stream from the server to 2
// MB a round trip (20 MB/s at 100 ms), and what a consumer that stops reading can cost us. On a long and fat
// link libssh2_channel_receive_window_adjust2() would be how to raise it.
std::ptrdiff_t Libssh2Channel::read(std::span<std::uint8_t> into) {
  const auto got = libssh2_channel_read(raw_, reinterpret_cast<char*>(into.data()), into.size());
  if (got > 0 || (got == 0 && libssh2_channel_eof(raw_) == 1)) return got;
  if (got == 0 || got == LIBSSH2_ERROR_EAGAIN) return kBlocked;
  codec_.fail(static_cast<int>(got), reason_of(static_cast<int>(got)));
  return kFailed;
}

std::ptrdiff_t Libssh2Channel::write(std::span<const std::uint8_t> bytes) {
  if (!unsent_.empty()) return kBlocked;
  const auto put = libssh2_channel_write(raw_, reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (put > 0) return put;
  if (put == 0 || put == LIBSSH2_ERROR_EAGAIN) {
    unsent_.bytes.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return static_cast<std::ptrdiff_t>(bytes.size());
  }
  if (closed_to_us(put)) return kBlocked;
  codec_.fail(static_cast<int>(put), reason_of(static_cast<int>(put)));
  return kFailed;
}

void Libssh2Channel::send_eof() {
  unsent_.eof = true;
  codec_.send(raw_, unsent_);
}

Libssh2Codec::Libssh2Codec(int socket) : socket_(socket) {
  static const int initialised = libssh2_init(0);
  session_ = libssh2_session_init_ex(nullptr, nullptr, nullptr, this);
  if (initialised != 0 || session_ == nullptr) std::abort();  // out of memory
  libssh2_session_set_blocking(session_, 0);
  set_callback(LIBSSH2_CALLBACK_SEND, &on_send);
  set_callback(LIBSSH2_CALLBACK_RECV, &on_receive);
  set_callback(LIBSSH2_CALLBACK_DISCONNECT, &on_disconnect);
  set_callback(LIBSSH2_CALLBACK_MACERROR, &on_mac_error);
  // want_reply = 0: no public call takes a reply out again, and it would answer the next forward_listen.
  libssh2_keepalive_config(session_, 0, kKeepaliveGap);
#if LIBSSH2_VERSION_NUM >= 0x010b01
  libssh2_session_set_read_timeout(session_, kOpenTimeoutSeconds);
#endif
}

Libssh2Codec::~Libssh2Codec() {
  dead_ = true;
  accepted_.clear();
  // session_free() does not know the keys of an exchange that was cut off; told that the peer has closed, the
  // exchange frees them itself.
  if (exchanging_) libssh2_session_handshake(session_, socket_);
  libssh2_session_free(session_);  // frees the channels and listeners that are left; cannot block, see dead_
}

template <typename Function>
void Libssh2Codec::set_callback(int which, Function* function) {
#if LIBSSH2_VERSION_NUM >= 0x010b01
  libssh2_session_callback_set2(session_, which, reinterpret_cast<libssh2_cb_generic*>(function));
#else
  libssh2_session_callback_set(session_, which, reinterpret_cast<void*>(function));
#endif
}

// Always takes everything: a packet is never half sent from the library's point of view, so a session can
// neither be pinned by one channel nor wedge in a re-key. The session bounds output() by not writing to
// channels while it is full.
ssize_t Libssh2Codec::on_send(int, const void* bytes, size_t length, int, void** self) noexcept {
  auto* codec = static_cast<Libssh2Codec*>(*self);
  if (!codec->dead_) codec->output_.append({static_cast<const std::uint8_t*>(bytes), length});
  return static_cast<ssize_t>(length);
}

ssize_t Libssh2Codec::on_receive(int, void* into, size_t length, int, void** self) noexcept {
  auto* codec = static_cast<Libssh2Codec*>(*self);
  if (codec->dead_) return 0;
  const auto got = codec->input_.take({static_cast<std::uint8_t*>(into), length});
  codec->starved_ = got == 0;
  codec->last_take_ = got;
  return got == 0 ? -EAGAIN : static_cast<ssize_t>(got);
}

void Libssh2Codec::on_disconnect(LIBSSH2_SESSION*, int reason, const char* text, int length, const char*, int,
                                 void** self) noexcept {
  auto* codec = static_cast<Libssh2Codec*>(*self);
  codec->goodbye_ = "the server said: " + std::string(text, static_cast<std::size_t>(std::max(0, length))) +
                    " (" + std::to_string(reason) + ")";
}

int Libssh2Codec::on_mac_error(LIBSSH2_SESSION*, const char*, int, void** self) noexcept {
  static_cast<Libssh2Codec*>(*self)->mac_error_ = true;
  return -1;  // refuse the packet
}

std::string Libssh2Codec::last_error() const {
  char* text = nullptr;
  int length = 0;
  libssh2_session_last_error(session_, &text, &length, 0);
  return text == nullptr ? std::string() : std::string(text, static_cast<std::size_t>(length));
}

Step Libssh2Codec::fail(int code, core::Reason reason) {
  if (failure_.reason != core::Reason::none) return Step::failed;
  if (!goodbye_.empty())
    failure_ = {reason == core::Reason::auth_refused ? reason : core::Reason::connection_closed, goodbye_};
  else if (mac_error_)
    failure_ = {core::Reason::transport_corrupt, "a packet failed its integrity check"};
  else
    failure_ = {reason, last_error() + " (libssh2 " + std::to_string(code) + ")"};
  return Step::failed;
}

Step Libssh2Codec::handshake(const std::vector<std::string>& host_key_types) {
  if (!prepared_) {
    prepared_ = true;
    const std::pair<int, std::string> preferences[] = {
        {LIBSSH2_METHOD_KEX, key_exchanges()}, {LIBSSH2_METHOD_HOSTKEY, host_keys(host_key_types)},
        {LIBSSH2_METHOD_CRYPT_CS, ciphers()},  {LIBSSH2_METHOD_CRYPT_SC, ciphers()},
        {LIBSSH2_METHOD_MAC_CS, macs()},       {LIBSSH2_METHOD_MAC_SC, macs()},
        {LIBSSH2_METHOD_COMP_CS, "none"},      {LIBSSH2_METHOD_COMP_SC, "none"},
    };
    for (const auto& [method, list] : preferences)
      if (const int refused = libssh2_session_method_pref(session_, method, list.c_str()); refused != 0)
        return fail(refused, core::Reason::no_common_algorithm);
  }
  const int code = libssh2_session_handshake(session_, socket_);
  exchanging_ = code == LIBSSH2_ERROR_EAGAIN;
  if (code == LIBSSH2_ERROR_EAGAIN) return Step::again;
  return code == 0 ? Step::done : fail(code, handshake_reason(code));
}

HostKey Libssh2Codec::host_key() const {
  std::size_t length = 0;
  int type = 0;
  const char* bytes = libssh2_session_hostkey(session_, &length, &type);
  HostKey key;
  if (bytes == nullptr || length < 4) return key;
  key.blob.assign(bytes, bytes + length);
  const std::size_t name =
      (std::size_t{key.blob[2]} << 8) | key.blob[3];  // string of RFC 4251; names are short
  if (4 + name <= length) key.type.assign(bytes + 4, name);
  return key;
}

std::string Libssh2Codec::algorithms() const {
  std::string text;
  for (const int method :
       {LIBSSH2_METHOD_KEX, LIBSSH2_METHOD_HOSTKEY, LIBSSH2_METHOD_CRYPT_CS, LIBSSH2_METHOD_MAC_CS}) {
    const char* name = libssh2_session_methods(session_, method);
    if (name != nullptr) text += (text.empty() ? "" : " ") + std::string(name);
  }
  return text;
}

Step Libssh2Codec::authenticate(const Credentials& credentials) {
  const int code = libssh2_userauth_publickey_frommemory(
      session_, credentials.user.c_str(), credentials.user.size(), nullptr, 0,
      credentials.private_key.c_str(), credentials.private_key.size(),
      credentials.passphrase.empty() ? nullptr : credentials.passphrase.c_str());
  if (code == LIBSSH2_ERROR_EAGAIN) return Step::again;
  return code == 0 ? Step::done : fail(code, auth_reason(code, !credentials.passphrase.empty()));
}

Step Libssh2Codec::listen(const core::Endpoint& endpoint, Listener** listener) {
  *listener = nullptr;
  LIBSSH2_LISTENER* raw = libssh2_channel_forward_listen_ex(session_, endpoint.host.c_str(), endpoint.port,
                                                            nullptr, kListenerQueue);
  if (raw != nullptr) {
    listeners_.push_back(std::make_unique<Libssh2Listener>(raw));
    *listener = listeners_.back().get();
    return Step::done;
  }
  const int code = libssh2_session_last_errno(session_);
  if (code == LIBSSH2_ERROR_EAGAIN) return Step::again;
  if (code == LIBSSH2_ERROR_REQUEST_DENIED) return Step::done;
  return fail(code, reason_of(code));
}

ChannelPtr Libssh2Codec::adopt(LIBSSH2_CHANNEL* raw) {
  auto channel = std::make_unique<Libssh2Channel>(*this, raw);
  channels_.push_back(channel.get());
  return channel;
}

ChannelPtr Libssh2Codec::accept(Listener* listener) {
  for (auto entry = accepted_.begin(); entry != accepted_.end(); ++entry) {
    if (entry->first != listener) continue;
    ChannelPtr channel = std::move(entry->second);
    accepted_.erase(entry);
    return channel;
  }
  if (!input_.empty())
    return nullptr;  // forward_accept reads, and hides errors: only drain() may meet new input
  LIBSSH2_CHANNEL* raw = libssh2_channel_forward_accept(static_cast<Libssh2Listener*>(listener)->raw);
  return raw == nullptr ? nullptr : adopt(raw);
}

OpenResult Libssh2Codec::open_result() const {
  const std::string text = last_error();  // the reason code of the refusal shows nowhere else
  if (text.find("prohibited") != std::string::npos) return OpenResult::prohibited;
  if (text.find("connect failed") != std::string::npos) return OpenResult::connect_failed;
  return OpenResult::refused;
}

Step Libssh2Codec::open(const core::Endpoint* target, ChannelPtr* channel, OpenResult* result) {
  LIBSSH2_CHANNEL* raw = target == nullptr ? libssh2_channel_open_session(session_)
                                           : libssh2_channel_direct_tcpip_ex(session_, target->host.c_str(),
                                                                             target->port, "127.0.0.1", 0);
  if (raw != nullptr) {
    *channel = adopt(raw);
    *result = OpenResult::opened;
    return Step::done;
  }
  const int code = libssh2_session_last_errno(session_);
  if (code == LIBSSH2_ERROR_EAGAIN) return Step::again;
  if (code == LIBSSH2_ERROR_TIMEOUT)
    *result = OpenResult::timed_out;
  else if (code == LIBSSH2_ERROR_CHANNEL_FAILURE)
    *result = open_result();
  else
    return fail(code, reason_of(code));
  return Step::done;
}

// Takes everything in on behalf of a channel whose stream has not ended. EAGAIN: all is taken. 0: there is no
// such channel. libssh2_channel_eof() hides an end of stream behind data that is not read yet, and wait_eof()
// then returns 0 at once without reading: such a channel is of no use here, and asking it again would spin.
int Libssh2Codec::drain_by_channel() {
  for (Libssh2Channel* channel : channels_) {
    if (libssh2_channel_eof(channel->raw()) == 1) continue;
    if (const int code = libssh2_channel_wait_eof(channel->raw()); code != 0) return code;
  }
  return 0;
}

// libssh2 has no call that only takes input in; two read until nothing is left, and this is the only place
// that meets new input. channel_wait_eof reports errors faithfully, so it is preferred: with a stream open, a
// packet that vanished would be silent data loss. forward_accept turns every error into -23, or hides it when
// a connection is waiting; then the MAC callback tells, or that the last receive was not an empty one
// although it gave more than a cipher block.
Step Libssh2Codec::drain() {
  while (!input_.empty() || !starved_) {
    const int code = drain_by_channel();
    if (code != 0 && code != LIBSSH2_ERROR_EAGAIN) return fail(code, reason_of(code));
    if (code == 0) {
      if (listeners_.empty()) return Step::done;  // nobody to read for: the next open() or listen() will
      Libssh2Listener* listener = listeners_.front().get();
      LIBSSH2_CHANNEL* raw = libssh2_channel_forward_accept(listener->raw);
      if (raw != nullptr) accepted_.emplace_back(listener, adopt(raw));
      const int error = raw != nullptr ? LIBSSH2_ERROR_EAGAIN : libssh2_session_last_errno(session_);
      const bool hidden = raw != nullptr && !starved_ && last_take_ >= kLargestBlock;
      if (error != LIBSSH2_ERROR_EAGAIN || hidden) return fail(error, core::Reason::transport_corrupt);
    }
    if (mac_error_) return fail(LIBSSH2_ERROR_INVALID_MAC, core::Reason::transport_corrupt);
  }
  return Step::done;
}

bool Libssh2Codec::send(LIBSSH2_CHANNEL* raw, Unsent& unsent) {
  while (!unsent.bytes.empty()) {
    const auto put = libssh2_channel_write(raw, unsent.bytes.data(), unsent.bytes.size());
    if (put == 0 || put == LIBSSH2_ERROR_EAGAIN) return false;
    if (put > 0) {
      unsent.bytes.erase(0, static_cast<std::size_t>(put));
      continue;
    }
    unsent = {};
    if (!closed_to_us(put)) fail(static_cast<int>(put), reason_of(static_cast<int>(put)));
  }
  if (unsent.eof && libssh2_channel_send_eof(raw) == LIBSSH2_ERROR_EAGAIN) return false;
  unsent.eof = false;
  return true;
}

void Libssh2Codec::retire(Libssh2Channel* channel) {
  std::erase(channels_, channel);
  if (!dead_) closing_.push_back({channel->raw(), std::move(channel->unsent())});
}

void Libssh2Codec::tidy() {
  for (Libssh2Channel* channel : channels_)
    if (!channel->unsent().empty()) send(channel->raw(), channel->unsent());
  if (closing_.empty() || !drained()) return;  // channel_free reads, and ignores errors
  std::erase_if(closing_, [this](Closing& closing) {
    return send(closing.raw, closing.unsent) && libssh2_channel_free(closing.raw) != LIBSSH2_ERROR_EAGAIN;
  });
}

void Libssh2Codec::keepalive() {
  int next = 0;
  libssh2_keepalive_send(session_, &next);
}

bool Libssh2Codec::ask() {
  if (replies_ >= kMostReplies) return false;
  const auto waiting = output_.size();
  libssh2_keepalive_config(session_, 1, kNoGap);
  keepalive();
  libssh2_keepalive_config(session_, 0, kKeepaliveGap);
  if (output_.size() == waiting) return false;
  ++replies_;
  return true;
}

void Libssh2Codec::disconnect() {
  libssh2_session_disconnect(session_, "fairlead stops");
}

}  // namespace

std::unique_ptr<Codec> make_libssh2_codec(int socket) {
  return std::make_unique<Libssh2Codec>(socket);
}
bool codec_supports_rsa() {
  return LIBSSH2_VERSION_NUM >= 0x010b01;
}
std::string codec_version() {
  return std::string("libssh2 ") + libssh2_version(0);
}

}  // namespace fairlead::ssh
