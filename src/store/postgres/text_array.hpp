// Arrays as PostgreSQL reads them in text format ("Array Input and Output Syntax"), for set-based statements.
// Pure.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/task.hpp"

namespace fairlead::store::postgres {

class TextArray {
 public:
  void add(std::string_view text);  // any text; invalid UTF-8 and NUL become U+FFFD
  void add(std::int64_t value);
  void add(bool value);
  std::string take() { return std::move(text_.append(text_.empty() ? "{}" : "}")); }

 private:
  void next() { text_ += text_.empty() ? '{' : ','; }
  std::string text_;
};

std::string joined(const std::vector<std::string>& words);  // "site:attic node:nas"
std::string joined(const std::vector<core::TaskId>& ids);   // "1 2"
std::vector<std::string> words_of(std::string_view text);   // and back
std::vector<core::TaskId> ids_of(std::string_view text);

}  // namespace fairlead::store::postgres
