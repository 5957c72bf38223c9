#include "config/load.hpp"

#include "base/file.hpp"
#include "config/parse.hpp"
#include "config/read_parts.hpp"

namespace fairlead::config {

namespace {

Loaded failed(Problems& problems) {
  return {nullptr, problems.take_sorted()};
}

}  // namespace

Loaded load(const Location& location) {
  const auto text = base::read_file(location.file, kMostBytes);
  if (text) return load_text(*text, location);
  Problems problems(location.file);
  const std::string fix = text.error().code == base::Code::too_large ? "split the site, or use aliases"
                                                                     : "check the path and its permissions";
  problems.add({}, text.error().message, fix);
  return failed(problems);
}

Loaded load_text(std::string_view text, const Location& location) {
  Problems problems(location.file);
  const Surroundings here = Surroundings::of_process();
  if (!location.system_mode && here.home.empty()) {
    problems.add({}, "the invoking user has no home folder, which paths in this file are relative to",
                 "set HOME");
    return failed(problems);
  }
  const NodePtr root = parse_yaml(text, problems);
  if (!root) return failed(problems);
  const PathRules paths(location, here);
  auto config = std::make_shared<core::Config>();
  config->file = location.file;
  config->system_mode = location.system_mode;
  config->path_base = paths.base();
  read_file_section(*root, here, paths, problems, *config);
  if (!problems.empty()) return failed(problems);
  return {std::move(config), {}};
}

}  // namespace fairlead::config
