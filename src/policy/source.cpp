#include "policy/source.hpp"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/file.hpp"
#include "base/installed.hpp"
#include "base/text.hpp"

namespace fairlead::policy {

namespace {

constexpr std::size_t kMostFiles = 500;
constexpr std::size_t kMostFileBytes = 1u << 20;
constexpr std::size_t kMostSourceBytes = 8u << 20;

constexpr const char* kOpenToAll =
    "is writable by everybody: run `chmod o-w` on it, hooks decide what the daemon does";

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

class Reader {
 public:
  explicit Reader(Source& source) : source_(source) {}

  // Every *.lua of the folder in name order; a folder that is missing holds none.
  void folder(const std::string& path, const char* kind) {
    for (const std::string& name : names(path)) file(base::join_path(path, name), kind);
  }

  void file(const std::string& path, const char* kind) {
    if (source_.files.size() >= kMostFiles) return full("more than 500 files");
    struct stat seen = {};
    if (::stat(path.c_str(), &seen) != 0)
      return problem(path, base::os_error("cannot be read", errno).message);
    if ((seen.st_mode & S_IWOTH) != 0) return problem(path, kOpenToAll);
    auto text = base::read_file(path, kMostFileBytes);
    if (!text) {
      const bool large = static_cast<std::size_t>(seen.st_size) > kMostFileBytes;
      return problem(path, large ? "is larger than 1 MiB: no hook needs that" : text.error().message);
    }
    if (text->starts_with("\x1b")) return problem(path, "is a compiled chunk: hooks are text");
    if (text->find('\0') != std::string::npos) return problem(path, "holds NUL bytes: hooks are text");
    bytes_ += text->size();
    if (bytes_ > kMostSourceBytes) return full("more than 8 MiB of hooks");
    source_.files.push_back({path, kind, std::move(*text)});
  }

 private:
  std::vector<std::string> names(const std::string& path) {
    std::vector<std::string> found;
    const std::unique_ptr<DIR, CloseFolder> folder(::opendir(path.c_str()));
    if (!folder) {
      if (errno != ENOENT) problem(path, base::os_error("cannot be read", errno).message);
      return found;
    }
    // Whoever may write here may add a hook.
    struct stat seen = {};
    const int opened = ::dirfd(folder.get());
    if (opened < 0 || ::fstat(opened, &seen) != 0 || (seen.st_mode & S_IWOTH) != 0) {
      problem(path, kOpenToAll);
      return found;
    }
    while (const dirent* entry = ::readdir(folder.get())) {
      const std::string_view name = entry->d_name;
      if (name.ends_with(".lua") && !name.starts_with('.')) found.emplace_back(name);
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  void problem(const std::string& path, const std::string& message) {
    source_.problems.push_back({path, 0, message});
  }

  void full(const char* what) {
    if (!full_) problem(source_.files.empty() ? "the policy" : source_.files.back().path, what);
    full_ = true;
  }

  Source& source_;
  std::size_t bytes_ = 0;
  bool full_ = false;
};

}  // namespace

std::string to_string(const Problem& problem) {
  std::string text = problem.file;
  if (problem.line > 0) text += ":" + std::to_string(problem.line);
  return text + ": " + problem.message;
}

std::vector<Problem> problems_of(base::JsonView list) {
  std::vector<Problem> problems;
  for (const base::JsonView one : list.items())
    problems.push_back({std::string(one["file"].text()), static_cast<int>(one["line"].integer()),
                        std::string(one["message"].text())});
  return problems;
}

base::Error as_error(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems) text += (text.empty() ? "" : "\n") + to_string(problem);
  return {base::Code::bad_config, text, {}};
}

Source read_source(const std::string& folder, const std::string& shipped) {
  Source source;
  Reader reader(source);
  if (!folder.empty()) reader.folder(folder, "hook");
  source.hooks = source.files.size();
  reader.folder(base::join_path(shipped, "defaults"), "standard");
  if (folder.empty()) return source;
  const std::size_t before = source.files.size();
  reader.folder(base::join_path(folder, "tests"), "test");
  source.tests = source.files.size() - before;
  if (source.tests > 0) reader.file(base::join_path(shipped, "testkit.lua"), "library");
  return source;
}

std::string shipped_lua() {
  const auto paths = base::installed_paths("lua");
  for (const std::string& path : paths)
    if (base::exists(base::join_path(path, "testkit.lua"))) return path;
  return paths.back();
}

std::string load_message(const Source& source, const base::Json& limits) {
  base::Json files = base::Json::array();
  for (const Source::File& file : source.files)
    files.push(
        std::move(base::Json::object().set("path", file.path).set("kind", file.kind).set("text", file.text)));
  base::Json message = base::Json::object();
  message.set("do", "load").set("files", std::move(files));
  std::string text = message.dump();
  text.pop_back();
  return text + ",\"limits\":" + limits.dump() + "}";
}

}  // namespace fairlead::policy
