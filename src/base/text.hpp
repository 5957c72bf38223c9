// Small text operations shared by every folder. All pure.
#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::base {

std::vector<std::string_view> split(std::string_view text, char separator);
template <std::same_as<std::string> Temporary>
void split(Temporary&& text, char separator) = delete;  // the parts would outlive what they point into
std::string_view trim(std::string_view text);           // ASCII white space, both ends
std::string lower(std::string_view text);               // ASCII

// Decimal, whole text, no sign. Empty: not a number or out of range.
std::optional<std::uint64_t> parse_unsigned(std::string_view text);

std::string hex(std::span<const std::uint8_t> bytes);  // lower case
std::string base64(std::span<const std::uint8_t> bytes, bool padded = true);
std::optional<std::vector<std::uint8_t>> decode_base64(
    std::string_view text);  // padded or not; strict alphabet

// Text from outside made safe for one line of a terminal or a log: control characters and invalid UTF-8
// become
// \xNN; longer than `limit` bytes is cut with an ellipsis.
std::string printable(std::string_view text, std::size_t limit = 1024);

bool is_utf8(std::string_view bytes);

// Bytes from outside as text that JSON can hold: what is no UTF-8, and NUL, becomes U+FFFD. Lines stay lines.
std::string to_utf8(std::string_view bytes);

// The value of a `key=value` line: printable(), and in double quotes, with a backslash before quotes and
// backslashes, where it is empty or holds one of those, a blank or "=". So no value can look like the next
// key.
std::string quoted(std::string_view text, std::size_t limit = 1024);

// The candidate nearest to `word` by edit distance, for "did you mean"; empty when none is near enough
// (distance above 2, or above half of the word).
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

// Edit distance (insert, delete, replace, swap of neighbours), for short words.
std::size_t edit_distance(std::string_view a, std::string_view b);

// "1.2 KiB", "3.4 MiB"; whole bytes below 1 KiB.
std::string format_bytes(std::uint64_t bytes);

// "64KiB", "1MiB", "1000": exact, for parse_bytes() to read again.
std::string exact_bytes(std::uint64_t bytes);

// "512", "64KiB", "1MiB", "2GiB", "1TiB". Nothing for anything else, and for what 64 bits do not hold.
std::optional<std::uint64_t> parse_bytes(std::string_view text);

}  // namespace fairlead::base
