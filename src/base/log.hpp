// Structured logging: one line for one thing that happened, with a stable `event=` name. Never a secret.
// A Log is owned by whoever owns the process (the daemon, a test) and handed down by reference. Loop thread
// only.
#pragma once
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/clock.hpp"
#include "base/line_writer.hpp"

namespace fairlead::base {

enum class Level : std::uint8_t { error, warn, info, debug };
std::string_view to_string(Level level);
std::optional<Level> parse_level(std::string_view text);

enum class LogFormat : std::uint8_t { key_value, json_lines };

struct Field {
  std::string_view key;
  std::string value;

  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const char* v) : key(k), value(v) {}
  Field(std::string_view k, const std::string& v) : key(k), value(v) {}
  template <typename Integer>
    requires std::is_integral_v<Integer>
  Field(std::string_view k, Integer v) : key(k), value(std::to_string(v)) {}
};

struct Record {
  WallTime time;
  Level level;
  std::string_view event;
  std::span<const Field> fields;
};

// `time=… level=… event=… key=value …`; values as base::quoted() writes them.
std::string format_key_value(const Record& record);
// The same as one JSON object; every value is a string.
std::string format_json(const Record& record);

class Log {
 public:
  using Sink = std::function<void(const Record&)>;

  // A Log without a sink drops everything.
  void add_sink(Sink sink) { sinks_.push_back(std::move(sink)); }
  void set_level(Level level) { level_ = level; }
  Level level() const { return level_; }
  bool enabled(Level level) const { return level <= level_ && !sinks_.empty(); }

  void write(Level level, std::string_view event, std::span<const Field> fields);
  void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
    write(level, event, std::span(fields.begin(), fields.size()));
  }
  void error(std::string_view event, std::initializer_list<Field> fields) {
    write(Level::error, event, fields);
  }
  void warn(std::string_view event, std::initializer_list<Field> fields) {
    write(Level::warn, event, fields);
  }
  void info(std::string_view event, std::initializer_list<Field> fields) {
    write(Level::info, event, fields);
  }
  void debug(std::string_view event, std::initializer_list<Field> fields) {
    write(Level::debug, event, fields);
  }

 private:
  Level level_ = Level::info;
  std::vector<Sink> sinks_;
};

// A sink that writes lines to `writer`, which outlives it. Lines that were dropped because their reader did
// not read are told with the next one: event=log_lines_dropped.
Log::Sink line_sink(LineWriter& writer, LogFormat format);

}  // namespace fairlead::base
