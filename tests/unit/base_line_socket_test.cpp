#include "base/line_socket.hpp"

#include <sys/socket.h>

#include <string>

#include "cmocka.hpp"

using namespace fairlead;

namespace {

struct Pair {
  base::UniqueFd far;  // plain, for the test to write and read raw bytes
  base::LineSocket near;
};

Pair connected(std::size_t longest = 64) {
  int ends[2];
  assert_int_equal(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  return {base::UniqueFd(ends[0]), base::LineSocket(base::UniqueFd(ends[1]), longest)};
}

void put(const Pair& pair, std::string_view bytes) {
  assert_int_equal(::send(pair.far.get(), bytes.data(), bytes.size(), 0), bytes.size());
}

}  // namespace

static void lines_come_whole_however_they_are_cut(void**) {
  auto pair = connected();
  const std::string text = "one\n\nthree is longer\n";
  std::string seen;
  for (const char byte : text) {
    put(pair, {&byte, 1});
    assert_true(pair.near.receive().ok());
    while (const auto line = pair.near.next()) seen += "[" + *line + "]";
  }
  assert_text_equal(seen, "[one][][three is longer]");
}

static void several_lines_may_come_at_once(void**) {
  auto pair = connected();
  put(pair, "a\nb\nc");
  assert_true(pair.near.receive().ok());
  assert_text_equal(*pair.near.next(), "a");
  assert_text_equal(*pair.near.next(), "b");
  assert_false(pair.near.next().has_value());
  put(pair, "d\n");
  assert_true(pair.near.receive().ok());
  assert_text_equal(*pair.near.next(), "cd");
}

static void lines_before_the_end_are_not_lost(void**) {
  auto pair = connected();
  put(pair, "last words\nhalf a li");
  pair.far.reset();
  assert_true(pair.near.receive().error().code == base::Code::unavailable);
  assert_text_equal(*pair.near.next(), "last words");
  assert_false(pair.near.next().has_value());
}

static void a_line_without_end_is_refused(void**) {
  auto pair = connected(8);
  put(pair, "12345678");
  assert_true(pair.near.receive().ok());
  put(pair, "9");
  assert_true(pair.near.receive().error().code == base::Code::too_large);
}

static void what_the_other_end_does_not_take_is_kept(void**) {
  auto pair = connected();
  std::string sent;
  while (sent.size() < (4u << 20)) {  // far more than a socket holds
    const std::string line(1000, static_cast<char>('a' + sent.size() % 26));
    pair.near.queue(line);
    sent += line + "\n";
    assert_true(pair.near.flush().ok());
  }
  assert_true(pair.near.unsent() > 0);
  std::string seen;
  char part[65536];
  while (seen.size() < sent.size()) {
    const auto got = ::recv(pair.far.get(), part, sizeof part, 0);
    assert_true(got > 0);
    seen.append(part, static_cast<std::size_t>(got));
    assert_true(pair.near.flush().ok());
  }
  assert_int_equal(pair.near.unsent(), 0);
  assert_true(seen == sent);
}

static void writing_to_nobody_is_an_error_and_no_signal(void**) {
  auto pair = connected();
  pair.far.reset();
  pair.near.queue("anybody?");
  assert_true(pair.near.flush().error().code == base::Code::unavailable);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(lines_come_whole_however_they_are_cut),
      cmocka_unit_test(several_lines_may_come_at_once),
      cmocka_unit_test(lines_before_the_end_are_not_lost),
      cmocka_unit_test(a_line_without_end_is_refused),
      cmocka_unit_test(what_the_other_end_does_not_take_is_kept),
      cmocka_unit_test(writing_to_nobody_is_an_error_and_no_signal),
  };
  return cmocka_run_group_tests_name("base_line_socket", tests, nullptr, nullptr);
}
