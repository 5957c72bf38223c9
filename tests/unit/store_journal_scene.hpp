// What the tests of the decision journal share: a folder that goes away, and a journal on a real loop that is
// opened, filled, flushed and read.
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

#include "cmocka.hpp"
#include "loop/loop.hpp"
#include "run_loop.hpp"
#include "store/sqlite/journal.hpp"
#include "store/sqlite/journal_file.hpp"
#include "store/sqlite/journal_reader.hpp"
#include "store_sql.hpp"
#include "temp_folder.hpp"

using namespace fairlead;
using namespace std::chrono_literals;

inline std::string journal_of(const TempFolder& temp) {
  return temp.path(store::kJournalName);
}

// Every byte of every file in it.
inline std::string bytes_of(const TempFolder& temp) {
  std::string all;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(temp.path()))
    all += read_text(entry.path());
  return all;
}

inline store::JournalSettings settings_for(const TempFolder& temp) {
  store::JournalSettings settings;
  settings.path = journal_of(temp);
  settings.linger = 1ms;
  settings.retry = 20ms;
  settings.sample.per_second = 1'000'000;
  return settings;
}

inline core::Decision decision(int number, const std::string& event = "reconnect") {
  core::Decision made;
  made.event = event;
  made.kind = "decide";
  made.context = "{\"tunnel\":\"attic\",\"number\":" + std::to_string(number) + "}";
  made.verdict = "{\"after\":5000}";
  made.hook = "20-night.lua:7 patience";
  made.generation = 4;
  made.duration = 250us;
  return made;
}

class Scene {
 public:
  explicit Scene(store::JournalSettings settings, store::Journal::Redact redact = nullptr) {
    log.add_sink([this](const base::Record& record) { logged.push_back(base::format_key_value(record)); });
    journal = std::make_unique<store::Journal>(loop, log, std::move(settings), std::move(redact));
  }
  ~Scene() { close(); }
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  base::Result<> flush(base::Millis deadline = 60s) {
    base::Result<> outcome = base::Error{};
    journal->flush(deadline, [&](base::Result<> result) {
      outcome = std::move(result);
      loop.stop();
    });
    loop.run();
    return outcome;
  }

  void until(const std::function<bool()>& holds) { run_until(loop, holds, "what the test waits for"); }

  void record(int count, const std::string& event = "reconnect") {
    for (int i = 0; i < count; ++i) journal->record(decision(i, event));
  }

  void close() {
    journal.reset();
    assert_true(loop.drain(60s).ok());
  }

  bool was_logged(const std::string& text) const {
    return std::any_of(logged.begin(), logged.end(),
                       [&](const std::string& line) { return line.find(text) != std::string::npos; });
  }

  loop::Loop loop;
  base::Log log;
  std::vector<std::string> logged;
  std::unique_ptr<store::Journal> journal;
};

// All that a query gives, page after page.
inline std::vector<core::Decision> read_all(const std::string& path, const core::JournalQuery& query = {}) {
  std::vector<core::Decision> all;
  auto reader = store::JournalReader::open(path, query);
  if (!reader) return all;
  for (;;) {
    auto page = reader->next();
    assert_true(page.ok());
    if (page->empty()) return all;
    std::move(page->begin(), page->end(), std::back_inserter(all));
  }
}
