#include "base/log.hpp"

#include "base/json.hpp"
#include "base/text.hpp"

namespace fairlead::base {

namespace {

constexpr std::size_t kLongestValue = 4096;

}  // namespace

std::string_view to_string(Level level) {
  switch (level) {
    case Level::error:
      return "error";
    case Level::warn:
      return "warn";
    case Level::info:
      return "info";
    case Level::debug:
      return "debug";
  }
  return "info";
}

std::optional<Level> parse_level(std::string_view text) {
  for (const auto level : {Level::error, Level::warn, Level::info, Level::debug})
    if (to_string(level) == text) return level;
  return std::nullopt;
}

std::string format_key_value(const Record& record) {
  std::string line = "time=" + iso8601(record.time) + " level=" + std::string(to_string(record.level)) +
                     " event=" + std::string(record.event);
  for (const auto& field : record.fields) {
    line += ' ';
    line += field.key;
    line += '=';
    line += quoted(field.value, kLongestValue);
  }
  return line;
}

std::string format_json(const Record& record) {
  Json line = Json::object();
  line.set("time", iso8601(record.time)).set("level", to_string(record.level)).set("event", record.event);
  for (const auto& field : record.fields) line.set(field.key, printable(field.value, kLongestValue));
  return line.dump();
}

void Log::write(Level level, std::string_view event, std::span<const Field> fields) {
  if (!enabled(level)) return;
  const Record record{wall_now(), level, event, fields};
  for (const auto& sink : sinks_) sink(record);
}

Log::Sink line_sink(LineWriter& writer, LogFormat format) {
  return [&writer, format](const Record& record) {
    const auto put = [&](const Record& one) {
      writer.write((format == LogFormat::json_lines ? format_json(one) : format_key_value(one)) + "\n");
    };
    if (const auto lost = writer.take_dropped(); lost > 0) {
      const Field count("count", lost);
      put({record.time, Level::warn, "log_lines_dropped", std::span(&count, 1)});
    }
    put(record);
  };
}

}  // namespace fairlead::base
