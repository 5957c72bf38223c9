// How a verification is told: the names of its findings, and its two renderings.
#include "audit/verify.hpp"

namespace fairlead::audit {

namespace {

struct KindName {
  Kind kind;
  std::string_view name;
  Severity severity;
};

constexpr KindName kKinds[] = {
    {Kind::changed, "changed", Severity::failure},
    {Kind::missing, "missing", Severity::failure},
    {Kind::reordered, "reordered", Severity::failure},
    {Kind::inserted, "inserted", Severity::failure},
    {Kind::malformed, "malformed", Severity::failure},
    {Kind::too_long, "too_long", Severity::failure},
    {Kind::cut, "cut", Severity::failure},
    {Kind::head_mismatch, "head_mismatch", Severity::failure},
    {Kind::head_missing, "head_missing", Severity::failure},
    {Kind::unreadable, "unreadable", Severity::failure},
    {Kind::torn, "torn", Severity::warning},
    {Kind::head_behind, "head_behind", Severity::warning},
    {Kind::starts_later, "starts_later", Severity::note},
};

const KindName& entry_of(Kind kind) {
  for (const auto& entry : kKinds)
    if (entry.kind == kind) return entry;
  return kKinds[0];
}

std::string place_of(const Finding& finding) {
  if (finding.file.empty()) return {};
  std::string place = finding.file;
  if (finding.line > 0) place += ":" + std::to_string(finding.line);
  return place + ": ";
}

}  // namespace

std::string_view to_string(Kind kind) {
  return entry_of(kind).name;
}

Severity severity_of(Kind kind) {
  return entry_of(kind).severity;
}

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::note:
      return "note";
    case Severity::warning:
      return "warning";
    case Severity::failure:
      return "failure";
  }
  return "failure";
}

std::string to_text(const Report& report) {
  std::string text;
  for (const auto& finding : report.findings)
    text += std::string(to_string(severity_of(finding.kind))) + ": " + place_of(finding) +
            std::string(to_string(finding.kind)) + ": " + finding.message + "\n";
  if (report.left_off > 0) text += "and " + std::to_string(report.left_off) + " more findings\n";
  if (report.lines == 0) return text + (report.ok ? "ok: the log is empty\n" : "NOT OK: no lines\n");
  return text + (report.ok ? "ok: " : "NOT OK: ") + std::to_string(report.lines) + " lines, seq " +
         std::to_string(report.first_seq) + " to " + std::to_string(report.last_seq) + "\nhead " +
         to_string(Position{report.last_seq, report.last_hash}) + "\n";
}

base::Json to_json(const Report& report) {
  base::Json findings = base::Json::array();
  for (const auto& finding : report.findings) {
    base::Json entry = base::Json::object();
    entry.set("kind", to_string(finding.kind))
        .set("severity", to_string(severity_of(finding.kind)))
        .set("file", finding.file)
        .set("line", finding.line)
        .set("seq", finding.seq)
        .set("message", finding.message);
    findings.push(std::move(entry));
  }
  base::Json json = base::Json::object();
  json.set("schema", "fairlead.audit_verify/1")
      .set("ok", report.ok)
      .set("lines", report.lines)
      .set("first_seq", report.first_seq)
      .set("last_seq", report.last_seq)
      .set("last_hash", report.last_hash)
      .set("findings", std::move(findings))
      .set("left_off", report.left_off);
  return json;
}

}  // namespace fairlead::audit
