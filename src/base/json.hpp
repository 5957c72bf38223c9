// JSON values: the only home of cJSON. A Json owns its tree; a JsonView borrows a part of one.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/result.hpp"

struct cJSON;

namespace fairlead::base {

// Borrowed, read only; valid while the owning Json lives. A missing thing is a view that is !exists().
class JsonView {
 public:
  JsonView() = default;
  explicit JsonView(const cJSON* node) : node_(node) {}

  bool exists() const { return node_ != nullptr; }
  bool is_null() const;
  bool is_object() const;
  bool is_array() const;
  bool is_string() const;
  bool is_number() const;
  bool is_bool() const;

  JsonView operator[](std::string_view key) const;  // member of an object (case matters), or nothing
  JsonView at(std::size_t index) const;             // element of an array, or nothing
  std::size_t size() const;                         // members or elements; 0 for scalars
  std::string_view key() const;                     // this node's name in its object
  std::vector<JsonView> items() const;              // members or elements in order

  // The value when it has that type, else the fallback.
  std::string_view text(std::string_view fallback = {}) const;
  std::int64_t integer(std::int64_t fallback = 0) const;
  double number(double fallback = 0) const;
  bool boolean(bool fallback = false) const;

  std::string dump(bool pretty = false) const;

 private:
  friend class Json;
  const cJSON* node_ = nullptr;
};

class Json {
 public:
  Json();  // null
  Json(std::string_view text);
  Json(const char* text) : Json(std::string_view(text)) {}
  Json(const std::string& text) : Json(std::string_view(text)) {}
  Json(double number);
  Json(bool value);
  template <typename Integer>
    requires(std::is_integral_v<Integer> && !std::is_same_v<Integer, bool>)
  Json(Integer number) : Json(static_cast<double>(number)) {}  // exact up to 10^15: cJSON prints 15 digits

  static Json object();
  static Json array();
  static Json copy(JsonView value);  // the whole tree without its name; null when it does not exist
  // Strict: the whole text must be one value; nesting over 64, duplicate keys and NUL are refused.
  static Result<Json> parse(std::string_view text);

  Json& set(std::string_view key, Json value);  // an object only; an existing key is replaced
  Json& push(Json value);                       // an array only
  JsonView view() const { return JsonView(node_.get()); }
  JsonView operator[](std::string_view key) const { return view()[key]; }
  std::string dump(bool pretty = false) const { return view().dump(pretty); }

 private:
  struct Free {
    void operator()(cJSON* node) const;
  };
  explicit Json(cJSON* node) : node_(node) {}
  std::unique_ptr<cJSON, Free> node_;
};

}  // namespace fairlead::base
