#include "core/secrets.hpp"

#include <chrono>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "cmocka.hpp"

using namespace fairlead;

namespace {

struct Case {
  const char* text;
  const char* redacted;
};

// In two pieces each, so that nobody who looks for leaked tokens in this tree finds one.
constexpr Case kTokens[] = {
    {"push with gh"
     "p_16C7e42F292c6912E7710c838347Ae178B4a!",
     "push with ghp_[redacted]!"},
    {"github_"
     "pat_11ABCDEFG0abcdefghij_KLMNOP",
     "github_pat_[redacted]"},
    {"(gl"
     "pat-abcdefghij0123456789)",
     "(glpat-[redacted])"},
    {"xo"
     "xb-17653672481-19874698323-pdFZKVeTuE8sk7oOcHrzqqgy",
     "xoxb-[redacted]"},
    {"xo"
     "xp-17653672481-19874698323",
     "xoxp-[redacted]"},
    {"POST https://hooks.sl"
     "ack.com/services/T00000000/B00000000/XXXXXXXX 200",
     "POST https://hooks.slack.com/services/[redacted] 200"},
    {"id AK"
     "IAIOSFODNN7EXAMPLE.",
     "id AKIA[redacted]."},
    {"s"
     "k-abcdefghijklmnop0123",
     "sk-[redacted]"},
    {"s"
     "k-proj-4f2a8c7d-aaaa-bbbb",
     "sk-[redacted]"},
    {"jwt eyJ"
     "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmN done",
     "jwt eyJ[redacted] done"},
    {"AGE-SECRET-"
     "KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ",
     "AGE-SECRET-KEY-1[redacted]"},
    {"ntfy tk"
     "_AgQdq7mVBoFD37zQVN29RhuMzNIz2",
     "ntfy tk_[redacted]"},
    {"x-gh"
     "p_16C7e42F292c6912E7710c838347Ae178B4a",
     "x-ghp_[redacted]"},
    {"key gh"
     "p_16C7e42F292c6912E7710c838347Ae178B4a-password=abc",
     "key ghp_[redacted]-password=[redacted]"},
};

constexpr Case kHeaders[] = {
    {"Authorization: Bearer abc.def-ghi", "Authorization: Bearer [redacted]"},
    {"authorization: Basic dXNlcjpwYXNz\r\nHost: a", "authorization: Basic [redacted]\r\nHost: a"},
    {"Authorization: hunter2", "Authorization: [redacted]"},
    {"Proxy-Authorization: Digest username=\"Mufasa\", response=\"6629\"",
     "Proxy-Authorization: Digest [redacted]"},
    {"curl -H 'Authorization: Bearer abc' https://a", "curl -H 'Authorization: Bearer [redacted]' https://a"},
    {"[\"-H\",\"Authorization: Bearer a b\",\"x\"]", "[\"-H\",\"Authorization: Bearer [redacted]\",\"x\"]"},
    {"{\\\"h\\\":\\\"Authorization: Basic YWJj\\\"}", "{\\\"h\\\":\\\"Authorization: Basic [redacted]\\\"}"},
    {"Cookie: a=b; c=d\nAccept: */*", "Cookie: [redacted]\nAccept: */*"},
    {"X-Api-Key: 8c7d", "X-Api-Key: [redacted]"},
    {"sent bearer dGhpcyBpcyBh1 to a", "sent bearer [redacted] to a"},
    {"got Basic dXNlcjpwYXNzd29yZA==", "got Basic [redacted]"},
    {"auth_token=Bearer abc", "auth_token=Bearer [redacted]"},
};

constexpr Case kAssignments[] = {
    {"GET /x?user=anna&password=p%20w&n=1", "GET /x?user=anna&password=[redacted]&n=1"},
    {"GET /x?access_token=abc HTTP/1.1", "GET /x?access_token=[redacted] HTTP/1.1"},
    {"user[password]=abc&b=c", "user[password]=[redacted]&b=c"},
    {"DB_PASSWORD=a&b,c;d)", "DB_PASSWORD=[redacted]"},  // first on its line: a value may hold `&`
    {"HOME=/root\nSMTP_PASS=abc\nUSER=x", "HOME=/root\nSMTP_PASS=[redacted]\nUSER=x"},
    {"export API_KEY='a b' x", "export API_KEY='[redacted]' x"},
    {"password: correct horse battery\nuser: anna", "password: [redacted]\nuser: anna"},
    {"  - secret: swordfish\n", "  - secret: [redacted]\n"},
    {"{user: anna, password: abc}", "{user: anna, password: [redacted]"},
    {"login with password: swordfish failed", "login with password: [redacted] failed"},
    {"password = \"a\\\"b\"", "password = \"[redacted]\""},
    {"{\"token\":\"abc\",\"n\":1}", "{\"token\":\"[redacted]\",\"n\":1}"},
    {"{\"apiKey\" : 12345, \"n\":1}", "{\"apiKey\" : [redacted], \"n\":1}"},
    {"{\"a\":\"{\\\"password\\\":\\\"x\\\\\\\"y\\\"}\"}",
     "{\"a\":\"{\\\"password\\\":\\\"[redacted]\\\"}\"}"},
    {"host=db user=anna password='it\\'s' dbname=x", "host=db user=anna password='[redacted]' dbname=x"},
    {"host=db password=abc dbname=x", "host=db password=[redacted] dbname=x"},
    {"PGPASSWORD=abc psql", "PGPASSWORD=[redacted] psql"},
    {"'password' => 'abc'", "'password' => '[redacted]'"},
    {"password := abc", "password := [redacted]"},
    {"tool --password hunter2 --token=abc", "tool --password [redacted] --token=[redacted]"},
    {"password=\"cut off", "password=\"[redacted]"},
    {"passwort passwd:abc", "passwort passwd:[redacted]"},
    {"passphrase=p\xc3\xa4ss\xe2\x82\xac end", "passphrase=[redacted] end"},
};

constexpr Case kUrls[] = {
    {"postgres://anna:abc@db:5432/x", "postgres://anna:[redacted]@db:5432/x"},
    {"amqp://a:b@c@host/", "amqp://a:[redacted]@host/"},
    {"git clone https://x-access-token:abc@github.com/a/b",
     "git clone https://x-access-token:[redacted]@github.com/a/b"},
    {"https://0123456789abcdef0123@github.com/a", "https://[redacted]@github.com/a"},
    {"https://token:abc@h/?token=def", "https://token:[redacted]@h/?token=[redacted]"},
    {"redis://:abc@cache", "redis://:[redacted]@cache"},
};

constexpr Case kBlocks[] = {
    {"a\n-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\nbnNz\n-----END OPENSSH PRIVATE KEY-----\nb",
     "a\n-----BEGIN OPENSSH PRIVATE KEY-----[redacted]-----END OPENSSH PRIVATE KEY-----\nb"},
    {"\"-----BEGIN RSA PRIVATE KEY-----\\nProc-Type: 4,ENCRYPTED\\n\\nMIIE\\n\",\"x\"",
     "\"-----BEGIN RSA PRIVATE KEY-----[redacted]\",\"x\""},
    {"-----BEGIN PGP PRIVATE KEY BLOCK-----\nlQ\n-----END PGP PRIVATE KEY BLOCK-----",
     "-----BEGIN PGP PRIVATE KEY BLOCK-----[redacted]-----END PGP PRIVATE KEY BLOCK-----"},
    {"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nP2/5\n---- END SSH2 ENCRYPTED PRIVATE KEY ----",
     "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----[redacted]---- END SSH2 ENCRYPTED PRIVATE KEY ----"},
    {"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
     "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"},
};

// What must stay as it is.
constexpr const char* kOrdinary[] = {
    "debug1: Server host key: ssh-ed25519 SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8",
    "Accepted publickey for anna from 192.0.2.7 port 51122 ssh2: ED25519 "
    "SHA256:uNiVztksCsDhcc0u9e8BgrJXVGDaZmjeWOlVhT0sQ1s",
    "Failed password for root from 192.0.2.7 port 22 ssh2",
    "FATAL:  password authentication failed for user \"anna\"",
    "root@attic's password: ",
    "PAM 1 more authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7 user=root",
    "pam_unix(sshd:auth): check pass; user unknown",
    "run 550e8400-e29b-41d4-a716-446655440000 finished",
    "commit d6861c6dfe0155d3174cbf04c0f629f25ed15146 (HEAD -> main)",
    "time=2026-03-01T12:00:00.123Z level=info event=audit_head seq=4711 "
    "hash=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "integrity sha512-2QYHAcZ6oLqHmhq3S0b3wF6iD4mYz8VnW8Xg3CkJp0yTqk8rM1u4y2V7cQ==",
    "base64 n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg= is the digest",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKX5kX2L0f6Q3Y0bXGm3w0O9dJp6o7 anna@attic",
    "GET https://example.org:8443/a/b?page=2&sort=name#top 200",
    "ssh://git@github.com:22/a/b.git",
    "mail to anna@example.org: delivered",
    "http://[2001:db8::1]:8080/health",
    "syntax error near unexpected token `('",
    "JSON: unexpected token: } at line 3",
    "hooks.lua:7: invalid token: expired",
    "token: refreshed",  // handled below: a line of YAML, not prose
    "the secret: patience",
    "authorization: none",
    "password_file: /run/credentials/db token_file=/etc/t secret_dir=/x",
    "max_tokens=4096 tokens: 12 next_page=3",
    "password=true token=null secret=*** passwd=none",
    "PWD=/home/anna OLDPWD=/tmp bypass=1 pass: 12 fail: 0",
    "if (password == nullptr) return Token::invalid;",
    "std::string_view token() const; Secret::kind",
    "Basic authentication is off; bearer tokens are on",
    "task-force-of-the-long-kebab-name sk-this-is-just-a-kebab-name",
    "tk_list_of_all_the_things_that_are_there ghp_ short ghp_abc",
    "eyJhIjoxfQ eyJ eyJ.eyJ.eyJ",
    "kex: algorithm: curve25519-sha256; cipher: aes256-gcm@openssh.com MAC: <implicit>",
    "key: value, public_key: ssh-rsa, keyboard-interactive, key_exchange=1",
    "--password",
    "-----BEGIN PUBLIC KEY-----",
    "\xe2\x82\xac \xf0\x9f\x94\x91 na\xc3\xafve: r\xc3\xa9sum\xc3\xa9",
    "",
};

template <std::size_t Count>
void check(const Case (&cases)[Count]) {
  for (const auto& one : cases) {
    const auto redacted = core::redact(one.text);
    assert_text_equal(redacted, one.redacted);
    assert_text_equal(core::redact(redacted), redacted);
  }
}

}  // namespace

static void tokens_with_a_known_prefix_keep_only_that(void**) {
  check(kTokens);
}
static void headers_keep_their_scheme(void**) {
  check(kHeaders);
}
static void values_of_telling_names_go_in_every_notation(void**) {
  check(kAssignments);
}
static void passwords_in_urls_go(void**) {
  check(kUrls);
}
static void private_keys_go_and_certificates_stay(void**) {
  check(kBlocks);
}

static void ordinary_text_stays_whole(void**) {
  for (const std::string_view line : kOrdinary) {
    if (line == "token: refreshed") continue;
    assert_text_equal(core::redact(line), line);
  }
  assert_text_equal(core::redact("token: refreshed"), "token: [redacted]");
}

static void names_tell(void**) {
  for (const char* name : {"password", "DB_PASSWORD", "dbPassword", "--token", "X-Api-Key", "client_secret",
                           "smtp-pass", "aws_secret_access_key"})
    assert_true(core::names_secret(name));
  for (const char* name : {"", "key", "pass", "bypass", "token_file", "tokens", "user", "passport"})
    assert_false(core::names_secret(name));
}

static void a_json_tree_is_walked(void**) {
  const auto tree = base::Json::parse(
      R"({"user":"anna","password":"a b","db":{"api_key":{"a":1},"token":null,"secret":true,"pin_token":7},)"
      R"("argv":["x","--token","abc","--verbose","y"],"text":"see password=abc now","auth":["password","none"],)"
      R"("n":[1,2.5,false,null],"empty":{"password":""},"none":{"password":"none"}})");
  const auto redacted = core::redact(tree->view());
  assert_text_equal(
      redacted.dump(),
      R"({"user":"anna","password":"[redacted]","db":{"api_key":"[redacted]","token":null,"secret":true,)"
      R"("pin_token":"[redacted]"},"argv":["x","--token","[redacted]","--verbose","y"],)"
      R"("text":"see password=[redacted] now","auth":["password","none"],"n":[1,2.5,false,null],)"
      R"("empty":{"password":""},"none":{"password":"none"}})");
  assert_text_equal(core::redact(redacted.view()).dump(), redacted.dump());
  assert_text_equal(core::redact(base::JsonView()).dump(), "null");
}

// Texts made of the pieces that rules look at: what one rule leaves is what the next one sees.
static void a_second_pass_changes_nothing(void**) {
  constexpr std::string_view kPieces[] = {"password",
                                          "token",
                                          "secret",
                                          "cookie",
                                          "authorization",
                                          "=",
                                          ":",
                                          ": ",
                                          " ",
                                          "\n",
                                          "\"",
                                          "'",
                                          "\\",
                                          "@",
                                          "://",
                                          "/",
                                          "&",
                                          ",",
                                          "}",
                                          "]",
                                          "[redacted]",
                                          "--",
                                          "-",
                                          ".",
                                          "bearer ",
                                          "basic ",
                                          "ghp_",
                                          "a1b2c3d4e5f6a7b8",
                                          "eyJ",
                                          "abc",
                                          "true",
                                          "x",
                                          "-----BEGIN ",
                                          "PRIVATE KEY",
                                          "-----",
                                          "-----END ",
                                          "---- BEGIN ",
                                          " ----",
                                          "sk-",
                                          "\xc3\xa4",
                                          "https",
                                          "hooks.slack.com/services/",
                                          "é="};
  base::Random random(4711);
  for (int round = 0; round < 12'000; ++round) {
    std::string text;
    for (auto count = random.between(1, 14); count > 0; --count)
      text += kPieces[random.between(0, static_cast<std::int64_t>(std::size(kPieces)) - 1)];
    const auto once = core::redact(text);
    if (core::redact(once) != once)
      fail_msg("%s\n  1: %s\n  2: %s", text.c_str(), once.c_str(), core::redact(once).c_str());
  }
}

// Each would take minutes if the time grew with the square of the text; what it took is printed, not judged.
// With ASan and without the optimiser a quarter of the text does.
#ifdef __SANITIZE_ADDRESS__
constexpr std::size_t kHostileSize = 1u << 18;
#else
constexpr std::size_t kHostileSize = 1u << 20;
#endif

static void hostile_text_ends(void**) {
  const std::string_view pieces[] = {
      "eyJ-", "eyJa.",       "cookie: a ", "token: ", "://a:",
      "@",    "-----BEGIN ", "password=",  "sk-",     "://a",
      "\\",   "' ",          "bearer a",   "token:,", "-----BEGIN PRIVATE KEY-----",
      "\"",   "- ",          "=",          "A",       "--token"};
  for (const auto piece : pieces) {
    std::string text = "://x";
    while (text.size() < kHostileSize) text += piece;
    text += ".x@";
    const auto start = std::chrono::steady_clock::now();
    const auto redacted = core::redact(text);
    const auto took = std::chrono::steady_clock::now() - start;
    print_message("  %zu KiB of %-28s %5ld us\n", kHostileSize >> 10, std::string(piece).c_str(),
                  static_cast<long>(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
    assert_text_equal(core::redact(redacted), redacted);
  }
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(tokens_with_a_known_prefix_keep_only_that),
      cmocka_unit_test(headers_keep_their_scheme),
      cmocka_unit_test(values_of_telling_names_go_in_every_notation),
      cmocka_unit_test(passwords_in_urls_go),
      cmocka_unit_test(private_keys_go_and_certificates_stay),
      cmocka_unit_test(ordinary_text_stays_whole),
      cmocka_unit_test(names_tell),
      cmocka_unit_test(a_json_tree_is_walked),
      cmocka_unit_test(a_second_pass_changes_nothing),
      cmocka_unit_test(hostile_text_ends),
  };
  return cmocka_run_group_tests_name("core_secrets", tests, nullptr, nullptr);
}
