#include "base/json.hpp"

#include <cjson/cJSON.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <utility>

namespace fairlead::base {

namespace {

constexpr int kMaxDepth = 64;

constexpr std::ptrdiff_t kFewKeys = 16;  // compared with each other, in no memory of their own

bool has_key_twice(const cJSON* object) {
  std::array<std::string_view, kFewKeys> few;
  std::ptrdiff_t count = 0;
  const cJSON* child = object->child;
  for (; child != nullptr && count < kFewKeys; child = child->next, ++count) {
    const std::string_view key = child->string;
    if (std::find(few.begin(), few.begin() + count, key) != few.begin() + count) return true;
    few[static_cast<std::size_t>(count)] = key;
  }
  if (child == nullptr) return false;
  std::vector<std::string_view> keys(few.begin(), few.end());
  for (; child != nullptr; child = child->next) keys.emplace_back(child->string);
  std::sort(keys.begin(), keys.end());
  return std::adjacent_find(keys.begin(), keys.end()) != keys.end();
}

// Up to 2^52 cJSON prints every whole number as it was read; beyond, those whose last digits its comparison
// of doubles takes for noise are printed without them, and beyond 2^53 a double has not got them. Of what no
// double holds it makes null.
constexpr double kWholeNumbers = 4503599627370496.0;

bool is_kept(std::string_view number) {
  double value = 0;
  if (std::from_chars(number.data(), number.data() + number.size(), value).ec != std::errc{}) return false;
  return number.find_first_of(".eE") != std::string_view::npos || std::abs(value) <= kWholeNumbers;
}

// `text` is valid JSON.
bool keeps_all_numbers(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '"') {
      for (++at; text[at] != '"'; ++at)
        if (text[at] == '\\') ++at;
      ++at;
    } else if (text[at] == '-' || (text[at] >= '0' && text[at] <= '9')) {
      const auto end = std::min(text.find_first_not_of("+-.0123456789eE", at), text.size());
      if (!is_kept(text.substr(at, end - at))) return false;
      at = end;
    } else {
      ++at;
    }
  }
  return true;
}

// Well-formed beyond what cJSON checks: bounded depth, no key twice in one object. `large`: there is a number
// that may not be kept.
const char* structural_fault(const cJSON* node, int depth, bool& large) {
  if (cJSON_IsNumber(node) && !(std::abs(node->valuedouble) <= kWholeNumbers)) large = true;
  if (depth > kMaxDepth) return "nested deeper than 64";
  if (cJSON_IsObject(node)) {
    if (has_key_twice(node)) return "a key stands twice in one object";
  }
  if (!cJSON_IsObject(node) && !cJSON_IsArray(node)) return nullptr;
  for (const cJSON* child = node->child; child != nullptr; child = child->next)
    if (const char* fault = structural_fault(child, depth + 1, large)) return fault;
  return nullptr;
}

// A NUL byte, or its escape: `\u0000` behind an even number of backslashes.
bool holds_nul(std::string_view text) {
  constexpr std::string_view kEscape = "\\u0000";
  if (text.find('\0') != std::string_view::npos) return true;
  for (auto at = text.find(kEscape); at != std::string_view::npos; at = text.find(kEscape, at + 1)) {
    std::size_t before = at;
    while (before > 0 && text[before - 1] == '\\') --before;
    if ((at - before) % 2 == 0) return true;
  }
  return false;
}

cJSON* checked(cJSON* node) {
  if (node == nullptr) std::abort();  // out of memory: nothing sensible can follow
  return node;
}

}  // namespace

bool JsonView::is_null() const {
  return cJSON_IsNull(node_);
}
bool JsonView::is_object() const {
  return cJSON_IsObject(node_);
}
bool JsonView::is_array() const {
  return cJSON_IsArray(node_);
}
bool JsonView::is_string() const {
  return cJSON_IsString(node_);
}
bool JsonView::is_number() const {
  return cJSON_IsNumber(node_);
}
bool JsonView::is_bool() const {
  return cJSON_IsBool(node_);
}

JsonView JsonView::operator[](std::string_view key) const {
  if (!is_object()) return {};
  for (const cJSON* child = node_->child; child != nullptr; child = child->next)
    if (key == child->string) return JsonView(child);
  return {};
}

JsonView JsonView::at(std::size_t index) const {
  if (!is_array()) return {};
  return JsonView(cJSON_GetArrayItem(node_, static_cast<int>(index)));
}

std::size_t JsonView::size() const {
  if (!is_array() && !is_object()) return 0;
  return static_cast<std::size_t>(cJSON_GetArraySize(node_));
}

std::string_view JsonView::key() const {
  return node_ != nullptr && node_->string != nullptr ? std::string_view(node_->string) : std::string_view{};
}

std::vector<JsonView> JsonView::items() const {
  std::vector<JsonView> out;
  if (!is_array() && !is_object()) return out;
  for (const cJSON* child = node_->child; child != nullptr; child = child->next) out.emplace_back(child);
  return out;
}

std::string_view JsonView::text(std::string_view fallback) const {
  return is_string() ? std::string_view(node_->valuestring) : fallback;
}

std::int64_t JsonView::integer(std::int64_t fallback) const {
  constexpr double kExact = 9007199254740992.0;  // 2^53: beyond it doubles skip integers
  if (!is_number() || std::floor(node_->valuedouble) != node_->valuedouble) return fallback;
  if (std::abs(node_->valuedouble) > kExact) return fallback;
  return static_cast<std::int64_t>(node_->valuedouble);
}

double JsonView::number(double fallback) const {
  return is_number() ? node_->valuedouble : fallback;
}
bool JsonView::boolean(bool fallback) const {
  return is_bool() ? cJSON_IsTrue(node_) != 0 : fallback;
}

std::string JsonView::dump(bool pretty) const {
  char* text = node_ == nullptr ? nullptr : (pretty ? cJSON_Print(node_) : cJSON_PrintUnformatted(node_));
  std::string out = text == nullptr ? "null" : text;
  cJSON_free(text);
  return out;
}

void Json::Free::operator()(cJSON* node) const {
  cJSON_Delete(node);
}

Json::Json() : Json(checked(cJSON_CreateNull())) {}
Json::Json(std::string_view text) : Json(checked(cJSON_CreateString(std::string(text).c_str()))) {}
Json::Json(double number) : Json(checked(cJSON_CreateNumber(number))) {}
Json::Json(bool value) : Json(checked(cJSON_CreateBool(value ? 1 : 0))) {}

Json Json::object() {
  return Json(checked(cJSON_CreateObject()));
}
Json Json::array() {
  return Json(checked(cJSON_CreateArray()));
}
Json Json::copy(JsonView value) {
  if (!value.exists()) return {};
  Json made(checked(cJSON_Duplicate(value.node_, 1)));
  cJSON_free(std::exchange(made.node_->string, nullptr));
  return made;
}

Result<Json> Json::parse(std::string_view text) {
  // cJSON ends a text there, and what follows would be lost without a word.
  if (holds_nul(text)) return Error{Code::bad_request, "JSON refused: a text holds a NUL", {}};
  const std::string copy(text);  // cJSON needs the terminator to tell trailing text
  const char* end = nullptr;
  Json out(cJSON_ParseWithLengthOpts(copy.c_str(), copy.size() + 1, &end, 1));
  if (out.node_ == nullptr) {
    const auto at = end == nullptr ? 0 : end - copy.c_str();
    return Error{Code::bad_request, "not valid JSON near byte " + std::to_string(at), {}};
  }
  bool large = false;
  if (const char* fault = structural_fault(out.node_.get(), 0, large))
    return Error{Code::bad_request, std::string("JSON refused: ") + fault, {}};
  if (large && !keeps_all_numbers(text))
    return Error{Code::bad_request,
                 "JSON refused: a number has more digits than are kept (whole ones up to 4503599627370496): "
                 "write it as a text, in quotes",
                 {}};
  return out;
}

Json& Json::set(std::string_view key, Json value) {
  const std::string name(key);
  cJSON* item = value.node_.release();
  if (cJSON_GetObjectItemCaseSensitive(node_.get(), name.c_str()) != nullptr)
    cJSON_ReplaceItemInObjectCaseSensitive(node_.get(), name.c_str(), item);
  else
    cJSON_AddItemToObject(node_.get(), name.c_str(), item);
  return *this;
}

Json& Json::push(Json value) {
  cJSON_AddItemToArray(node_.get(), value.node_.release());
  return *this;
}

}  // namespace fairlead::base
