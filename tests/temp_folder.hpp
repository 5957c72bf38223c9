// A folder of a test's own, gone with it, and whole files in one call.
#pragma once
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "cmocka.hpp"

inline std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline void write_text(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

class TempFolder {
 public:
  TempFolder() {
    // In memory where there is such a file system: hundreds of syncs of a busy disk take minutes.
    for (std::string name : {"/dev/shm/fairlead-test-XXXXXX", "/tmp/fairlead-test-XXXXXX"})
      if (path_.empty() && ::mkdtemp(name.data()) != nullptr) path_ = name;
    assert_true(!path_.empty());
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  std::string path(const std::string& name = {}) const { return name.empty() ? path_ : path_ + "/" + name; }
  // The path of a file with this text.
  std::string put(const std::string& name, std::string_view text, mode_t mode = 0600) const {
    write_text(path(name), text);
    assert_int_equal(::chmod(path(name).c_str(), mode), 0);
    return path(name);
  }

 private:
  std::string path_;
};
