#include "app/state_dir.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "base/file.hpp"
#include "base/json.hpp"
#include "base/text.hpp"

namespace fairlead::app {

namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kFormat = 1;
constexpr std::string_view kFormatName = "format";
constexpr std::string_view kDownName = "down.json";
constexpr base::Millis kRetry = 5s;

base::Error path_error(std::string_view what, const std::string& path) {
  auto error = base::os_error(what, errno);
  error.where = path;
  return error;
}

base::Result<> check_owner(const std::string& path) {
  struct stat facts{};
  if (::stat(path.c_str(), &facts) != 0) return path_error("cannot stat", path);
  if (!S_ISDIR(facts.st_mode))
    return base::Error{base::Code::io, "the state directory is not a folder", path};
  if (facts.st_uid != ::geteuid())
    return base::Error{base::Code::forbidden,
                       "the state directory belongs to uid " + std::to_string(facts.st_uid) +
                           ", this daemon runs as uid " + std::to_string(::geteuid()) +
                           ": give it to that user with chown, or set another `state_dir`",
                       path};
  if ((facts.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return base::Error{base::Code::forbidden,
                       "other users can write to the state directory: chmod go-w " + path, path};
  return base::success();
}

base::Result<base::UniqueFd> take_lock(const std::string& path) {
  auto lock = base::lock_file(path);
  if (!lock) {
    if (lock.error().code != base::Code::conflict) return lock;
    const auto text = base::read_file(path, 64);
    const auto holder = text ? base::parse_unsigned(base::trim(*text)) : std::nullopt;
    return base::Error{base::Code::conflict,
                       "another fairlead daemon uses this state directory" +
                           (holder ? " (PID " + std::to_string(*holder) + ")" : std::string()) +
                           ": stop it, or set another `state_dir`",
                       path};
  }
  // The PID is for people alone: a full disk that refuses it must not keep the daemon from starting.
  const auto pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(lock->get(), 0) == 0) {
    [[maybe_unused]] const auto written = base::write_all(lock->get(), pid);
  }
  return lock;
}

base::Result<> check_format(const std::string& path) {
  const auto text = base::read_file(path, 64);
  if (!text && text.error().code == base::Code::not_found)
    return base::replace_file(path, std::to_string(kFormat) + "\n");
  if (!text) return text.error();
  const auto found = base::parse_unsigned(base::trim(*text));
  if (!found || *found == 0)
    return base::Error{base::Code::unsupported,
                       "this is not a format number: \"" + base::printable(*text, 64) +
                           "\"; put back the right one (this fairlead writes " + std::to_string(kFormat) +
                           ")",
                       path};
  if (*found > kFormat)
    return base::Error{base::Code::unsupported,
                       "the state directory has format " + std::to_string(*found) + ", this fairlead (" +
                           FAIRLEAD_VERSION + ") knows formats up to " + std::to_string(kFormat) +
                           ": run the newer fairlead, or set another `state_dir`",
                       path};
  return base::success();
}

// "down.json.4711.tmp": what an interrupted base::replace_file() of one of our files leaves behind.
bool is_leftover(std::string_view name) {
  constexpr std::string_view kSuffix = ".tmp";
  for (const std::string_view ours : {kFormatName, kDownName}) {
    if (!name.starts_with(ours) || !name.ends_with(kSuffix)) continue;
    if (name.size() <= ours.size() + 1 + kSuffix.size() || name[ours.size()] != '.') continue;
    const auto middle = name.substr(ours.size() + 1, name.size() - ours.size() - 1 - kSuffix.size());
    if (base::parse_unsigned(middle)) return true;
  }
  return false;
}

// Only under the lock. Whatever else is in the folder is not ours to remove: `state_dir` may name any folder.
void remove_leftovers(const std::string& folder) {
  std::error_code failure;  // what cannot be listed or removed does no harm
  std::filesystem::directory_iterator entry(folder, failure);
  for (; !failure && entry != std::filesystem::directory_iterator(); entry.increment(failure))
    if (is_leftover(entry->path().filename().string())) ::unlink(entry->path().c_str());
}

// Nothing: not the form that we write.
std::optional<std::set<std::string>> parse_down(std::string_view text) {
  const auto json = base::Json::parse(text);
  if (!json || (*json)["format"].integer() != static_cast<std::int64_t>(kFormat)) return std::nullopt;
  if (!(*json)["down"].is_array()) return std::nullopt;
  std::set<std::string> down;
  for (const auto& name : (*json)["down"].items()) {
    if (!name.is_string()) return std::nullopt;
    down.emplace(name.text());
  }
  return down;
}

std::string down_path(const std::string& folder) {
  return base::join_path(folder, kDownName);
}

}  // namespace

base::Result<std::unique_ptr<StateDir>> StateDir::open(loop::Loop& loop, base::Log& log,
                                                       const std::string& path, bool system_mode) {
  if (auto made = base::make_directories(path, system_mode ? 0750 : 0700); !made) return made.error();
  if (auto checked = check_owner(path); !checked) return checked.error();
  auto lock = take_lock(base::join_path(path, "lock"));
  if (!lock) return lock.error();
  if (auto format = check_format(base::join_path(path, kFormatName)); !format) return format.error();
  remove_leftovers(path);
  std::unique_ptr<StateDir> state(new StateDir(loop, log, path, std::move(*lock)));
  if (auto read = state->read_down(); !read) return read.error();
  return state;
}

StateDir::StateDir(loop::Loop& loop, base::Log& log, std::string path, base::UniqueFd lock)
    : loop_(loop),
      log_(log),
      path_(std::move(path)),
      lock_(std::move(lock)),
      pump_(loop, "state_pump", [this] { pump(); }),
      retry_timer_(loop, "state_retry", [this] { pump(); }),
      flush_timer_(loop, "state_flush", [this] {
        finish_flush(base::Error{base::Code::timed_out, "did not reach the disk in time", down_path(path_)});
      }) {}

StateDir::~StateDir() = default;

std::string StateDir::audit_folder() const {
  return base::join_path(path_, "audit");
}

base::Result<> StateDir::read_down() {
  const auto file = down_path(path_);
  const auto text = base::read_file(file, 1u << 20);
  if (!text && text.error().code == base::Code::not_found) return base::success();
  if (!text && text.error().code != base::Code::too_large) return text.error();
  auto down = text ? parse_down(*text) : std::nullopt;
  if (down) {
    down_ = std::move(*down);
    return base::success();
  }
  const auto aside = file + ".damaged";
  if (::rename(file.c_str(), aside.c_str()) != 0) return path_error("cannot put aside the damaged", file);
  damage_ = "down.json was damaged and is kept as " + aside + ": no tunnel counts as put down by hand";
  log_.error("state_damaged", {{"what", damage_}});
  return base::sync_parent(file);
}

void StateDir::set_down(const std::string& tunnel, bool down) {
  const bool changed = down ? down_.insert(tunnel).second : down_.erase(tunnel) > 0;
  if (!changed) return;
  stale_ = true;
  if (!retry_timer_.active()) pump_.schedule();
}

std::string StateDir::render() const {
  base::Json names = base::Json::array();
  for (const auto& name : down_) names.push(name);
  base::Json json = base::Json::object();
  json.set("format", kFormat).set("down", std::move(names));
  return json.dump() + "\n";
}

void StateDir::pump() {
  if (work_) return;  // on_saved() comes back here
  retry_timer_.stop();
  if (!stale_) return finish_flush(base::success());
  stale_ = false;
  attempt_counts_ = flush_done_ != nullptr;
  work_ = loop::submit<base::Result<>>(
      loop_, "state_write",
      [file = down_path(path_), text = render()] { return base::replace_file(file, text); },
      [this](const base::Result<>& result) { on_saved(result); });
}

void StateDir::on_saved(const base::Result<>& result) {
  work_.reset();
  if (result) {
    if (!error_.empty()) log_.info("state_write_recovered", {});
    error_.clear();
    return pump();  // may end in finish_flush(), which may destroy us
  }
  if (error_ != result.error().text()) log_.error("state_write_failed", {{"error", result.error().text()}});
  error_ = result.error().text();
  stale_ = true;
  retry_timer_.start(kRetry);
  if (attempt_counts_)
    finish_flush(result);
  else if (flush_done_)
    pump();
}

void StateDir::flush(base::Millis deadline, Done done) {
  flush_done_ = std::move(done);
  attempt_counts_ = false;
  flush_timer_.start(deadline);
  retry_timer_.stop();
  pump_.schedule();
}

void StateDir::finish_flush(base::Result<> result) {
  flush_timer_.stop();
  if (const auto done = std::exchange(flush_done_, nullptr)) done(std::move(result));
}

}  // namespace fairlead::app
