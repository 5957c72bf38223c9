#include "audit/folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <tuple>

#include "base/file.hpp"
#include "base/json.hpp"
#include "base/text.hpp"

namespace fairlead::audit {

namespace {

constexpr std::string_view kPrefix = "audit-";
constexpr std::string_view kSuffix = ".jsonl";
constexpr std::string_view kTornPrefix = "audit.torn-";
constexpr std::size_t kKeptTorn = 10;

base::Result<std::vector<std::string>> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code failure;
  std::filesystem::directory_iterator entry(folder, failure);
  for (; !failure && entry != std::filesystem::directory_iterator(); entry.increment(failure))
    names.push_back(entry->path().filename().string());
  if (failure) {
    errno = failure.value();
    return path_error("cannot read folder", folder);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string rotated_name(std::uint64_t first_seq, std::uint64_t ordinal) {
  char number[32];
  std::snprintf(number, sizeof number, "%012llu", static_cast<unsigned long long>(first_seq));
  std::string name(kPrefix);
  name += number;
  if (ordinal > 1) name += "." + std::to_string(ordinal);
  return name.append(kSuffix);
}

}  // namespace

base::Error path_error(std::string_view what, const std::string& path) {
  const int number = errno;
  auto error = base::os_error(what, number);
  if (number == ENOENT) error.code = base::Code::not_found;
  error.where = path;
  return error;
}

std::optional<LogFile> parse_name(std::string_view name) {
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return std::nullopt;
  if (name.size() <= kPrefix.size() + kSuffix.size()) return std::nullopt;
  const auto middle = name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size());
  const auto dot = middle.find('.');
  const auto first_seq = base::parse_unsigned(middle.substr(0, dot));
  const auto ordinal = dot == std::string_view::npos ? std::optional<std::uint64_t>(1)
                                                     : base::parse_unsigned(middle.substr(dot + 1));
  if (!first_seq || !ordinal || rotated_name(*first_seq, *ordinal) != name) return std::nullopt;
  return LogFile{std::string(name), *first_seq, *ordinal, false};
}

base::Result<std::vector<LogFile>> list_files(const std::string& folder) {
  auto names = names_in(folder);
  if (!names) return names.error();
  std::vector<LogFile> files;
  for (const auto& name : *names)
    if (auto file = parse_name(name)) files.push_back(std::move(*file));
  std::sort(files.begin(), files.end(), [](const LogFile& a, const LogFile& b) {
    return std::tie(a.first_seq, a.ordinal) < std::tie(b.first_seq, b.ordinal);
  });
  if (std::find(names->begin(), names->end(), kCurrentName) != names->end())
    files.push_back({kCurrentName, 0, 1, true});
  return files;
}

std::string free_name(const std::string& folder, std::uint64_t first_seq) {
  std::uint64_t ordinal = 1;
  while (base::exists(base::join_path(folder, rotated_name(first_seq, ordinal)))) ++ordinal;
  return rotated_name(first_seq, ordinal);
}

base::Result<base::UniqueFd> open_for_reading(const std::string& path) {
  // O_NONBLOCK: a FIFO in the file's place must not hang us.
  base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  struct stat facts{};
  if (!fd || ::fstat(fd.get(), &facts) != 0) return path_error("cannot open", path);
  if (!S_ISREG(facts.st_mode)) return base::Error{base::Code::io, "is not a regular file", path};
  return fd;
}

void remove_leftovers(const std::string& folder) {
  const auto names = names_in(folder);
  if (!names) return;
  std::vector<std::string> torn;  // their names hold the time: sorted is oldest first
  for (const auto& name : *names) {
    if (name.starts_with(kTornPrefix)) torn.push_back(name);
    if (name.starts_with("head.") && name.ends_with(".tmp")) ::unlink(base::join_path(folder, name).c_str());
  }
  for (std::size_t i = 0; i + kKeptTorn < torn.size(); ++i)
    ::unlink(base::join_path(folder, torn[i]).c_str());
}

base::Result<Head> read_head(const std::string& folder) {
  const auto path = base::join_path(folder, kHeadName);
  const auto text = base::read_file(path, 4096);
  if (!text) return text.error();
  const auto json = base::Json::parse(*text);
  const base::Error damaged{base::Code::bad_request, "the head file is damaged", path};
  if (!json) return damaged;
  const auto seq = (*json)["seq"].integer(-1);
  const auto first = (*json)["first_seq"].integer(-1);
  const auto hash = (*json)["hash"].text();
  if (seq < 0 || first < 1 || !is_hash(hash)) return damaged;
  return Head{{static_cast<std::uint64_t>(seq), std::string(hash)},
              std::string((*json)["file"].text()),
              static_cast<std::uint64_t>(first)};
}

base::Result<> write_head(const std::string& folder, const Head& head) {
  base::Json json = base::Json::object();
  json.set("seq", head.at.seq)
      .set("hash", head.at.hash)
      .set("file", head.file)
      .set("first_seq", head.first_seq);
  return base::replace_file(base::join_path(folder, kHeadName), json.dump() + "\n");
}

}  // namespace fairlead::audit
