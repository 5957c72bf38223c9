#include "ssh/byte_queue.hpp"

#include <algorithm>
#include <vector>

#include "base/random.hpp"
#include "cmocka.hpp"

using namespace fairlead;
using ssh::ByteQueue;

namespace {

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
std::string_view text_of(const ByteQueue& queue) {
  return {reinterpret_cast<const char*>(queue.front().data()), queue.size()};
}

std::string random_text(base::Random& random, std::size_t length) {
  std::string text;
  while (text.size() < length) text.push_back(static_cast<char>(random.next()));
  return text;
}

}  // namespace

static void an_empty_queue_has_nothing_to_give(void**) {
  ByteQueue queue;
  std::uint8_t byte = 7;
  assert_true(queue.empty());
  assert_int_equal(queue.front().size(), 0);
  assert_int_equal(queue.take({&byte, 1}), 0);
  assert_int_equal(byte, 7);
  queue.append({});
  queue.consume(0);
  queue.clear();
  assert_true(queue.empty());
}

static void takes_no_more_than_there_is(void**) {
  ByteQueue queue;
  queue.append(bytes_of("abc"));
  std::uint8_t into[8] = {};
  assert_int_equal(queue.take({into, sizeof into}), 3);
  assert_memory_equal(into, "abc\0\0\0\0\0", 8);
  assert_true(queue.empty());
}

static void gives_its_memory_back_when_told_and_empty(void**) {
  ByteQueue queue;
  queue.append(bytes_of(std::string(100'000, 'x')));
  queue.consume(99'999);
  queue.release();
  assert_string_equal(std::string(text_of(queue)).c_str(), "x");
  queue.consume(1);
  assert_non_null(queue.front().data());  // kept for what comes next
  queue.release();
  assert_null(queue.front().data());
}

// Small and large appends, partial and whole reads, in an order that no one chose: always what a string does.
static void behaves_as_a_string_under_random_operations(void**) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    base::Random random{seed};
    ByteQueue queue;
    std::string expected;
    for (int i = 0; i < 400; ++i) {
      const auto most = random.between(0, 9) == 0 ? 20'000 : 300;
      const auto count = static_cast<std::size_t>(random.between(0, most));
      switch (random.between(0, 9)) {
        case 0:
          queue.clear();
          expected.clear();
          break;
        case 1:
        case 2: {
          const auto gone = std::min(count, expected.size());
          queue.consume(gone);
          expected.erase(0, gone);
          break;
        }
        case 3:
          queue.release();
          break;
        case 4: {
          std::vector<std::uint8_t> into(count);
          const auto taken = queue.take(into);
          assert_int_equal(taken, std::min(count, expected.size()));
          assert_memory_equal(into.data(), expected.data(), taken);
          expected.erase(0, taken);
          break;
        }
        default: {
          const auto text = random_text(random, count);
          queue.append(bytes_of(text));
          expected += text;
        }
      }
      assert_int_equal(queue.size(), expected.size());
      assert_true(text_of(queue) == expected);
    }
  }
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(an_empty_queue_has_nothing_to_give),
      cmocka_unit_test(takes_no_more_than_there_is),
      cmocka_unit_test(gives_its_memory_back_when_told_and_empty),
      cmocka_unit_test(behaves_as_a_string_under_random_operations),
  };
  return cmocka_run_group_tests_name("ssh_byte_queue", tests, nullptr, nullptr);
}
