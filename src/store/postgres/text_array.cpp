#include "store/postgres/text_array.hpp"

#include "base/text.hpp"

namespace fairlead::store::postgres {

void TextArray::add(std::string_view text) {
  next();
  text_ += '"';
  for (const char c : base::to_utf8(text)) {
    if (c == '"' || c == '\\') text_ += '\\';
    text_ += c;
  }
  text_ += '"';
}

void TextArray::add(std::int64_t value) {
  next();
  text_ += std::to_string(value);
}

void TextArray::add(bool value) {
  next();
  text_ += value ? 't' : 'f';
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text.append(text.empty() ? "" : " ").append(word);
  return text;
}

std::string joined(const std::vector<core::TaskId>& ids) {
  std::string text;
  for (const auto id : ids) text.append(text.empty() ? "" : " ").append(std::to_string(number(id)));
  return text;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  if (text.empty()) return words;
  for (const auto word : base::split(text, ' ')) words.emplace_back(word);
  return words;
}

std::vector<core::TaskId> ids_of(std::string_view text) {
  std::vector<core::TaskId> ids;
  for (const auto& word : words_of(text))
    ids.push_back(core::TaskId{static_cast<std::int64_t>(base::parse_unsigned(word).value_or(0))});
  return ids;
}

}  // namespace fairlead::store::postgres
