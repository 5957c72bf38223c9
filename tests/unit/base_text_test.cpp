#include "base/hash.hpp"
#include "base/text.hpp"
#include "cmocka.hpp"

using namespace fairlead::base;

static void escapes_control_characters_and_broken_utf8(void**) {
  assert_text_equal(printable("plain ü €"), "plain ü €");
  assert_text_equal(printable("a\x1b[31m\nb"), "a\\x1b[31m\\x0ab");
  assert_text_equal(printable("\xff\xc0\xaf"), "\\xff\\xc0\\xaf");
  assert_text_equal(printable("\xc2\x9b"
                              "0m"),
                    "\\xc2\\x9b0m");
  assert_text_equal(printable("abcdef", 3), "abcd…");
}

// A backslash that was left alone ate the quote behind it, and what followed stood there as keys of its own.
static void a_quoted_value_cannot_end_early(void**) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"plain", "plain"},
      {"", R"("")"},
      {"two words", R"("two words")"},
      {"a=b", R"("a=b")"},
      {R"(say "hi")", R"("say \"hi\"")"},
      {R"(C:\x)", R"("C:\\x")"},
      {R"(x\" level=error event=forged y=\)", R"("x\\\" level=error event=forged y=\\")"},
      {"line\nbreak", R"("line\\x0abreak")"},
  };
  for (const auto& [raw, written] : rows) assert_text_equal(quoted(raw), written);
}

static void suggests_only_what_is_near(void**) {
  constexpr std::string_view kKeys[] = {"remote_port", "local_port", "host", "health_check"};
  assert_text_equal(nearest("remote_prot", kKeys), "remote_port");
  assert_text_equal(nearest("helth_check", kKeys), "health_check");
  assert_text_equal(nearest("banana", kKeys), "");
}

static void base64_goes_there_and_back(void**) {
  for (const std::string_view text : {"", "f", "fo", "foo", "foob"}) {
    const auto decoded = decode_base64(base64(as_bytes(text)));
    assert_true(decoded.has_value());
    assert_true(std::string_view(reinterpret_cast<const char*>(decoded->data()), decoded->size()) == text);
  }
  assert_text_equal(base64(as_bytes("foob")), "Zm9vYg==");
  assert_text_equal(base64(as_bytes("foob"), false), "Zm9vYg");
  assert_false(decode_base64("a").has_value());
  assert_false(decode_base64("a?bc").has_value());
}

static void parses_only_whole_numbers(void**) {
  assert_true(parse_unsigned("65535") == 65535u);
  for (const char* text : {"", "-1", "+1", "1 ", "0x1", "99999999999999999999"})
    assert_false(parse_unsigned(text).has_value());
}

static void sizes_are_exact_there_and_back(void**) {
  const std::pair<std::uint64_t, const char*> rows[] = {
      {0, "0"},          {1000, "1000"},           {1024, "1KiB"},       {65536, "64KiB"},
      {1 << 20, "1MiB"}, {1536u << 20, "1536MiB"}, {3ULL << 40, "3TiB"}, {1ULL << 50, "1024TiB"}};
  for (const auto& [bytes, written] : rows) {
    assert_text_equal(exact_bytes(bytes), written);
    assert_true(parse_bytes(written) == bytes);
  }
  for (const char* text : {"", "KiB", "64KB", "64kib", "-1", "1.5MiB", "64 KiB", "16777216TiB"})
    assert_false(parse_bytes(text).has_value());
}

static void hashes_like_everyone_else(void**) {
  assert_text_equal(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(escapes_control_characters_and_broken_utf8),
      cmocka_unit_test(a_quoted_value_cannot_end_early),
      cmocka_unit_test(suggests_only_what_is_near),
      cmocka_unit_test(base64_goes_there_and_back),
      cmocka_unit_test(parses_only_whole_numbers),
      cmocka_unit_test(sizes_are_exact_there_and_back),
      cmocka_unit_test(hashes_like_everyone_else),
  };
  return cmocka_run_group_tests_name("base_text", tests, nullptr, nullptr);
}
