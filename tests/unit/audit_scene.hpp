// What the tests of the audit log share: a folder that goes away, a log that is opened, filled and closed on
// a real loop, and the files as lists of lines, to be tampered with.
#pragma once
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "audit/audit_log.hpp"
#include "audit/verify.hpp"
#include "cmocka.hpp"
#include "loop/loop.hpp"
#include "temp_folder.hpp"

using namespace fairlead;
using namespace std::chrono_literals;

inline std::vector<std::string> read_lines(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

inline void write_lines(const std::string& path, const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  write_text(path, text);
}

inline core::AuditEntry entry(const std::string& detail, const std::string& tunnel = "attic") {
  return {tunnel, "agent.hub", "automation", "bridge_connected", detail};
}

// An open log on a loop of its own.
class Scene {
 public:
  explicit Scene(audit::Settings settings) {
    log.add_sink([this](const base::Record& record) { logged.push_back(base::format_key_value(record)); });
    audit = std::make_unique<audit::AuditLog>(loop, log, std::move(settings));
    opened = audit->open().ok();
  }
  ~Scene() { close(); }
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  // The outcome of one flush.
  base::Result<> flush(base::Millis deadline = 20s) {
    base::Result<> outcome = base::Error{};
    audit->flush(deadline, [&](base::Result<> result) {
      outcome = std::move(result);
      loop.stop();
    });
    loop.run();
    return outcome;
  }

  void append(int count, const std::string& detail = "line") {
    for (int i = 0; i < count; ++i) audit->append(entry(detail + " " + std::to_string(i)));
  }

  void close() {
    audit.reset();
    assert_true(loop.drain(10s).ok());
  }

  bool was_logged(const std::string& text) const {
    return std::any_of(logged.begin(), logged.end(),
                       [&](const std::string& line) { return line.find(text) != std::string::npos; });
  }

  loop::Loop loop;
  base::Log log;
  std::vector<std::string> logged;
  std::unique_ptr<audit::AuditLog> audit;
  bool opened = false;
};

inline audit::Settings settings_for(const TempFolder& temp) {
  audit::Settings settings;
  settings.folder = temp.path("audit");
  settings.retry = 20ms;
  return settings;
}

// One life of a log: opened, filled with `count` lines, closed. Its head afterwards.
inline audit::Position write_log(const audit::Settings& settings, int count) {
  Scene scene(settings);
  assert_true(scene.opened);
  scene.append(count);
  assert_true(scene.flush().ok());
  return scene.audit->head();
}

// The kinds that were found, in order, joined by blanks; "" when nothing was.
inline std::string kinds(const audit::Report& report) {
  std::string out;
  for (const auto& finding : report.findings)
    out += (out.empty() ? "" : " ") + std::string(audit::to_string(finding.kind));
  return out;
}
