#include "cli/status_text.hpp"

#include <algorithm>
#include <cmath>

#include "base/clock.hpp"
#include "base/text.hpp"
#include "cli/queue_text.hpp"

namespace fairlead::cli {

namespace {

using base::JsonView;

constexpr std::size_t kLongestCell = 64;
constexpr std::size_t kLongestNote = 400;
constexpr std::int64_t kSshPort = 22;
constexpr const char* kNothing = "-";

std::string cell_text(JsonView value) {
  const auto text = base::printable(value.text(), kLongestCell);
  return text.empty() ? kNothing : text;
}

std::string seconds_text(double seconds) {
  if (!(seconds >= 0) || seconds > 1e10) return kNothing;  // also not a number
  const bool whole = seconds >= 1;
  const auto millis = static_cast<std::int64_t>(seconds * 1000);
  return base::format_duration(base::Millis(whole ? millis / 1000 * 1000 : millis));
}

std::string millis_text(JsonView value) {
  if (!value.is_number()) return kNothing;
  return value.number() < 1 ? "<1ms" : std::to_string(std::llround(value.number())) + "ms";
}

std::string host_text(JsonView tunnel) {
  auto host = cell_text(tunnel["host"]);
  const auto port = tunnel["port"].integer(kSshPort);
  if (port == kSshPort) return host;
  const bool bracket = host.find(':') != std::string::npos;
  return (bracket ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Style state_style(JsonView tunnel) {
  const auto state = tunnel["state"].text();
  if (state == "connected") return is_unproven(tunnel) ? Style::warning : Style::good;
  if (state == "failed") return Style::bad;
  if (state == "stopped") return Style::faint;
  return Style::warning;
}

// "good 12ms", "failing: 503", "waiting" for the first check of a line that is up; "-" without one.
Cell health_cell(JsonView tunnel) {
  const auto health = tunnel["health"];
  if (!health.is_object() || !health["configured"].boolean()) return {kNothing, Style::faint};
  const auto last = health["last"];
  const bool up = tunnel["uptime_seconds"].is_number();
  if (!last.is_object()) return {up ? "waiting" : kNothing, Style::faint};
  if (last["good"].boolean()) {
    const bool good = health["good"].boolean();  // else too few successes in a row yet
    return {(good ? "good " : "recovering ") + millis_text(last["latency_ms"]),
            good ? Style::good : Style::warning};
  }
  const auto status = last["http_status"].integer();
  const auto why = status > 0 ? std::to_string(status) : cell_text(last["error"]);
  return {"failing: " + why, health["good"].boolean() ? Style::warning : Style::bad};
}

void add_tunnel(Table& table, JsonView tunnel, const StatusLook& look) {
  std::vector<Cell> cells = {
      {cell_text(tunnel["name"])},
      {state_text(tunnel), state_style(tunnel)},
      {cell_text(tunnel["actor"]["name"])},
      {host_text(tunnel)},
      {tunnel["uptime_seconds"].is_number() ? seconds_text(tunnel["uptime_seconds"].number())
                                            : std::string(kNothing)}};
  if (look.wide) {
    cells.push_back({millis_text(tunnel["probe_round_trip_ms"])});
    cells.push_back({std::to_string(tunnel["reconnects"].integer()), Style::plain, true});
  }
  cells.push_back(health_cell(tunnel));
  table.add(std::move(cells), trouble_notes(tunnel));
}

std::string forwards_text(JsonView tunnels, bool color) {
  Table table({"TUNNEL", "KIND", "LISTEN", "TARGET", "LISTENING", "PROOF", "CONNS", "ACTIVE", "TO TARGET",
               "FROM TARGET", "REFUSED", "LAST ACTIVITY"});
  for (const auto tunnel : tunnels.items()) {
    for (const auto forward : tunnel["forwards"].items()) {
      const auto count = [&](const char* key) -> Cell {
        return {std::to_string(forward[key].integer()), Style::plain, true};
      };
      const auto bytes = [&](const char* key) -> Cell {
        return {base::format_bytes(static_cast<std::uint64_t>(forward[key].integer())), Style::plain, true};
      };
      const bool listening = forward["listening"].boolean();
      table.add({{cell_text(tunnel["name"])},
                 {cell_text(forward["kind"])},
                 {cell_text(forward["listen"])},
                 {cell_text(forward["target"])},
                 {listening ? "yes" : "no", listening ? Style::plain : Style::warning},
                 {cell_text(forward["proof"])},
                 count("connections"),
                 count("active"),
                 bytes("bytes_to_target"),
                 bytes("bytes_from_target"),
                 count("refused"),
                 {cell_text(forward["last_activity"])}});
    }
  }
  return "\n" + table.render(color);
}

// Of an error that may tell of many problems, one a line.
std::string first_line(std::string_view error, const char* command) {
  const auto end = error.find('\n');
  std::string text = base::printable(error.substr(0, end), kLongestNote);
  if (end == std::string_view::npos) return text;
  const auto more = std::count(error.begin(), error.end(), '\n');
  return text + " (and " + std::to_string(more) + " more: run `" + command + "`)";
}

std::string daemon_text(JsonView daemon, bool color) {
  std::string text;
  const auto line = [&](const std::string& what, JsonView error) {
    if (error.text().empty()) return;
    text += paint(what + first_line(error.text(), "fairlead reload"), Style::bad, color) + "\n";
  };
  line("config: generation " + std::to_string(daemon["config_generation"].integer()) +
           "; last reload failed: ",
       daemon["last_reload_error"]);
  line("audit: lines do not reach the disk: ", daemon["audit_error"]);
  return text.empty() ? text : "\n" + text;
}

std::string place_text(JsonView hook) {
  return base::printable(hook["name"].text(), kLongestCell) + " (" +
         base::printable(hook["file"].text(), kLongestNote) + ":" + std::to_string(hook["line"].integer()) +
         ")";
}

// What is wrong with the hooks; `told`: a failed reload stands among the daemon's own troubles already.
std::string policy_text(JsonView policy, bool told, bool color) {
  std::string text;
  const auto line = [&](const std::string& what, Style style) {
    text += paint("policy: " + what, style, color) + "\n";
  };
  if (const auto error = policy["last_error"].text(); !told && !error.empty())
    line("last reload failed: " + first_line(error, "fairlead policy check"), Style::bad);
  for (const auto hook : policy["hooks"].items())
    if (hook["quarantined"].boolean())
      line("hook " + place_text(hook) +
               " is in quarantine, its event answers the safe default: mend it and run " +
               "`fairlead reload`",
           Style::bad);
  if (const auto error = policy["journal"]["error"].text(); !error.empty())
    line("decisions do not reach the journal: " + base::printable(error, kLongestNote), Style::bad);
  std::string missing;
  for (const auto one : policy["sandbox"]["missing"].items())
    missing += (missing.empty() ? "" : ", ") + base::printable(one.text(), kLongestCell);
  if (!missing.empty()) line("the sandbox of the hooks is not whole, it lacks: " + missing, Style::warning);
  return text.empty() ? text : "\n" + text;
}

// One line for each sender that has a trouble.
std::string notify_text(JsonView notify, bool color) {
  std::string text;
  for (const auto sender : notify["senders"].items()) {
    const auto dead = sender["dead"].integer();
    const auto error = sender["last_error"].text();
    if (dead == 0 && error.empty()) continue;
    std::string line = "notify: " + cell_text(sender["name"]) + ": ";
    if (dead > 0) line += std::to_string(dead) + (dead == 1 ? " message" : " messages") + " given up";
    if (!error.empty())
      line += (dead > 0 ? "; " : "") + std::string("last error: ") + base::printable(error, kLongestNote);
    if (const auto next = sender["next_attempt_in_seconds"]; next.is_number())
      line += "; next attempt in " + seconds_text(next.number());
    text += paint(line, Style::warning, color) + "\n";
  }
  return text.empty() ? text : "\n" + text;
}

}  // namespace

bool is_unproven(JsonView tunnel) {
  return tunnel["state"].text() == "connected" && tunnel["proof"].text() == "none";
}

std::string state_text(JsonView tunnel) {
  auto state = cell_text(tunnel["state"]);
  if (is_unproven(tunnel)) state += " (unproven)";
  return state;
}

std::string trouble_text(JsonView tunnel) {
  const auto reason = tunnel["reason"].text();
  if (reason.empty() || reason == "none" || reason == "by_operator" || reason == "config_changed") return {};
  auto text = base::printable(tunnel["reason_text"].text(reason), kLongestNote);
  if (const auto detail = tunnel["detail"].text(); !detail.empty())
    text += ": " + base::printable(detail, kLongestNote);
  return text;
}

std::vector<Cell> trouble_notes(JsonView tunnel) {
  const auto next = tunnel["next_attempt_in_seconds"];
  auto text = trouble_text(tunnel);
  if (next.is_number()) {
    if (!text.empty()) text += "; ";
    text +=
        "attempt " + std::to_string(tunnel["attempts"].integer() + 1) + " in " + seconds_text(next.number());
  }
  std::vector<Cell> notes;
  if (!text.empty()) notes.push_back({text, state_style(tunnel)});
  if (const auto held = tunnel["health"]["held"]; held.is_object())
    notes.push_back({"the failing health check is held for " + seconds_text(held["seconds_left"].number()) +
                         " more by " + base::printable(held["hook"].text(), kLongestNote) + ": " +
                         base::printable(held["why"].text(), kLongestNote),
                     Style::warning});
  if (text.empty() && is_unproven(tunnel)) notes.push_back({std::string(kUnprovenNote), Style::faint});
  if (text.empty()) return notes;
  if (const auto hint = tunnel["hint"].text(); !hint.empty())
    notes.push_back({"hint: " + base::printable(hint, kLongestNote), Style::faint});
  return notes;
}

std::string render_status(JsonView status, const StatusLook& look) {
  std::vector<std::string> header = {"TUNNEL", "STATE", "ACTOR", "HOST", "UPTIME"};
  if (look.wide) header.insert(header.end(), {"ROUND TRIP", "RECONNECTS"});
  header.emplace_back("HEALTH");
  Table table(std::move(header));
  const auto tunnels = status["tunnels"];
  for (const auto tunnel : tunnels.items()) add_tunnel(table, tunnel, look);
  std::string text;
  if (tunnels.size() > 0)
    text = table.render(look.color);
  else
    text = "no tunnels in " + base::printable(status["daemon"]["config_file"].text()) + "\n";
  if (look.wide && tunnels.size() > 0) text += forwards_text(tunnels, look.color);
  if (is_worth_a_line(status["queue"])) text += "\n" + queue_line(status["queue"], look.color);
  const bool told = !status["daemon"]["last_reload_error"].text().empty();
  return text + daemon_text(status["daemon"], look.color) + policy_text(status["policy"], told, look.color) +
         notify_text(status["notify"], look.color);
}

std::vector<std::string> tunnel_names(JsonView status) {
  std::vector<std::string> names;
  for (const auto tunnel : status["tunnels"].items()) names.emplace_back(tunnel["name"].text());
  return names;
}

JsonView find_tunnel(JsonView status, std::string_view name) {
  for (const auto tunnel : status["tunnels"].items())
    if (tunnel["name"].text() == name) return tunnel;
  return {};
}

}  // namespace fairlead::cli
