#include "base/line_writer.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>
#include <utility>

#include "base/file.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "cmocka.hpp"

using namespace fairlead;
using namespace std::chrono_literals;
using base::LineWriter;
using base::UniqueFd;

namespace {

struct Ends {
  UniqueFd read, write;
};

Ends pipe_of() {
  int ends[2];
  assert_int_equal(::pipe2(ends, O_CLOEXEC), 0);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Ends socket_pair() {
  int ends[2];
  assert_int_equal(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

// A terminal without a program behind it that reads.
Ends terminal() {
  UniqueFd reader(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  assert_true(static_cast<bool>(reader));
  assert_int_equal(::grantpt(reader.get()), 0);
  assert_int_equal(::unlockpt(reader.get()), 0);
  UniqueFd writer(::open(::ptsname(reader.get()), O_WRONLY | O_NOCTTY | O_CLOEXEC));
  assert_true(static_cast<bool>(writer));
  return {std::move(reader), std::move(writer)};
}

std::string line_of(int number) {
  return "line " + std::to_string(number) + " " + std::string(80, 'x') + "\n";
}

// Everything that is there by now.
std::string read_now(const UniqueFd& fd) {
  (void)::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
  std::string text;
  char chunk[65536];
  for (;;) {
    const auto got = ::read(fd.get(), chunk, sizeof chunk);
    if (got <= 0) return text;
    text.append(chunk, static_cast<std::size_t>(got));
  }
}

// Far more than any of these hold, to a reader that does not read: every call comes back; then the reader
// reads, and sees whole lines in order, from the first one on.
void never_waits_for(const Ends& ends) {
  LineWriter writer(ends.write.get());
  int told = 0;
  writer.set_on_waiting([&] { ++told; });
  int number = 0;
  for (; number < 20'000; ++number) writer.write(line_of(number));
  assert_true(writer.waiting());
  assert_true(told > 0);
  assert_int_equal(::fcntl(ends.write.get(), F_GETFL) & O_NONBLOCK, 0);  // it is shared with others
  assert_int_equal(writer.take_dropped(), 0);                            // no room to say so yet

  std::string text;
  while (writer.waiting()) {
    text += read_now(ends.read);
    writer.flush();
  }
  text += read_now(ends.read);
  std::string expected;
  int arrived = 0;
  while (expected.size() < text.size()) expected += line_of(arrived++);
  std::erase(text, '\r');  // which a terminal adds
  while (expected.size() > text.size()) expected.resize(expected.size() - line_of(--arrived).size());
  assert_text_equal(text, expected);
  assert_true(arrived > 100 && arrived < number);
  assert_int_equal(writer.take_dropped(), number - arrived);
  assert_int_equal(writer.take_dropped(), 0);
}

}  // namespace

static void a_pipe_that_nobody_reads_does_not_hold_it_up(void**) {
  never_waits_for(pipe_of());
}

static void a_socket_that_nobody_reads_does_not_hold_it_up(void**) {
  never_waits_for(socket_pair());
}

static void a_terminal_that_was_halted_does_not_hold_it_up(void**) {
  never_waits_for(terminal());
}

static void a_reader_that_is_gone_loses_the_lines(void**) {
  std::signal(SIGPIPE, SIG_IGN);
  Ends ends = pipe_of();
  LineWriter writer(ends.write.get());
  ends.read.reset();
  writer.write("to nobody\n");
  assert_false(writer.waiting());
}

static void a_file_is_appended_to(void**) {
  char name[] = "/tmp/fairlead-test-XXXXXX";
  const UniqueFd file(::mkstemp(name));
  LineWriter writer(file.get());
  writer.write("one\n");
  assert_int_equal(::write(file.get(), "another's\n", 10), 10);
  writer.write("two\n");
  assert_text_equal(*base::read_file(name), "one\nanother's\ntwo\n");
  ::unlink(name);
}

static void drain_waits_for_a_reader_only_so_long(void**) {
  const Ends ends = pipe_of();
  LineWriter writer(ends.write.get());
  for (int i = 0; i < 2000; ++i) writer.write(line_of(i));
  writer.drain(20ms);
  assert_true(writer.waiting());
}

static void the_log_tells_how_many_lines_are_missing(void**) {
  const Ends ends = pipe_of();
  LineWriter writer(ends.write.get());
  base::Log log;
  log.add_sink(base::line_sink(writer, base::LogFormat::json_lines));
  for (int i = 0; i < 20'000; ++i) log.info("said", {{"number", i}});
  std::string text;
  const auto read_all = [&] {
    do {
      text += read_now(ends.read);
      writer.flush();
    } while (writer.waiting());
    text += read_now(ends.read);
  };
  read_all();
  log.info("last", {});
  read_all();
  int said = 0;
  std::string lost, last;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at);
    const auto line = base::Json::parse(text.substr(at, end - at));
    assert_true(line.ok());  // whole
    last = (*line)["event"].text();
    if (last == "said") ++said;
    if (last == "log_lines_dropped") lost = (*line)["count"].text();
    at = end + 1;
  }
  assert_text_equal(last, "last");
  assert_text_equal(lost, std::to_string(20'000 - said));
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_pipe_that_nobody_reads_does_not_hold_it_up),
      cmocka_unit_test(a_socket_that_nobody_reads_does_not_hold_it_up),
      cmocka_unit_test(a_terminal_that_was_halted_does_not_hold_it_up),
      cmocka_unit_test(a_reader_that_is_gone_loses_the_lines),
      cmocka_unit_test(a_file_is_appended_to),
      cmocka_unit_test(drain_waits_for_a_reader_only_so_long),
      cmocka_unit_test(the_log_tells_how_many_lines_are_missing),
  };
  return cmocka_run_group_tests_name("base_line_writer", tests, nullptr, nullptr);
}
