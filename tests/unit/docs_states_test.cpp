// The pages of docs/states hold the tables of core/tunnel_state.cpp and core/task_state.cpp between markers.
// These tests keep them the same; FAIRLEAD_UPDATE_DOCS=1 writes the pages anew instead.
#include <cstdlib>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "cmocka.hpp"
#include "core/task_state.hpp"
#include "core/tunnel_state.hpp"

using namespace fairlead;

namespace {

std::string tunnel_table() {
  std::string text = "| from | event | to | audited as |\n|---|---|---|---|\n";
  for (const auto& row : core::tunnel_transitions())
    text += "| " + std::string(to_string(row.from)) + " | " + std::string(to_string(row.event)) + " | " +
            std::string(to_string(row.to)) + " | `" + std::string(row.audited_as) + "` |\n";
  return text;
}

std::string task_table() {
  std::string text = "| from | event | to | new epoch |\n|---|---|---|---|\n";
  for (const auto& row : core::task_transitions())
    text += "| " + std::string(row.from ? to_string(*row.from) : "") + " | " +
            std::string(to_string(row.event)) + " | " + std::string(to_string(row.to)) + " | " +
            (row.new_epoch ? "yes" : "no") + " |\n";
  return text;
}

std::string reasons_table() {
  std::string text = "| reason | shown as | what to do | waits |\n|---|---|---|---|\n";
  for (const auto& row : core::all_reasons()) {
    if (row.reason == core::Reason::none) continue;
    text += "| `" + std::string(row.id) + "` | " + std::string(row.text) + " | " + std::string(row.hint) +
            " | " + (row.patient ? "`backoff_max`" : "backoff") + " |\n";
  }
  return text;
}

// The page with what stands between <!-- NAME --> and <!-- /NAME --> replaced.
std::string with_section(const std::string& page, const std::string& name, const std::string& body) {
  const std::string open = "<!-- " + name + " -->\n";
  const std::string close = "<!-- /" + name + " -->";
  const auto begin = page.find(open);
  const auto end = page.find(close);
  if (begin == std::string::npos || end == std::string::npos) return {};
  return page.substr(0, begin + open.size()) + body + page.substr(end);
}

struct Section {
  std::string name, body;
};

void hold(const std::string& path, const std::vector<Section>& sections) {
  const auto page = base::read_file(path);
  assert_true(page.ok());
  std::string fresh = *page;
  for (const auto& [name, body] : sections) fresh = with_section(fresh, name, body);
  assert_false(fresh.empty());
  if (std::getenv("FAIRLEAD_UPDATE_DOCS") != nullptr)
    assert_true(base::replace_file(path, fresh, 0644).ok());
  else
    assert_text_equal(*page, fresh);
}

}  // namespace

static void the_tunnels_page_holds_the_tables_of_the_code(void**) {
  hold(FAIRLEAD_SOURCE_ROOT "/docs/states/tunnel.md",
       {{"transitions", tunnel_table()}, {"reasons", reasons_table()}});
}

static void the_tasks_page_holds_the_table_of_the_code(void**) {
  hold(FAIRLEAD_SOURCE_ROOT "/docs/states/task.md", {{"transitions", task_table()}});
}

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(the_tunnels_page_holds_the_tables_of_the_code),
                              cmocka_unit_test(the_tasks_page_holds_the_table_of_the_code)};
  return cmocka_run_group_tests_name("docs_states", tests, nullptr, nullptr);
}
