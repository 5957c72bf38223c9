#include "host/private_folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "base/file.hpp"
#include "cmocka.hpp"
#include "temp_folder.hpp"

using namespace fairlead;

namespace {

std::string made(const TempFolder& temp) {
  auto folder = host::make_private_folder(temp.path());
  assert_true(folder.ok());
  return *folder;
}

mode_t mode_of(const std::string& path) {
  struct stat seen = {};
  assert_int_equal(::stat(path.c_str(), &seen), 0);
  return seen.st_mode & 07777;
}

}  // namespace

static void folder_and_input_are_for_nobody_else(void**) {
  const TempFolder temp;
  const auto folder = made(temp), another = made(temp);
  assert_true(folder != another);
  assert_true(host::write_input(folder, "secret").ok());
  assert_int_equal(mode_of(folder), 0700);
  assert_int_equal(mode_of(host::input_path(folder)), 0600);
  assert_text_equal(read_text(host::input_path(folder)), "secret");
  assert_false(host::write_input(folder, "again").ok());  // never into a file that was there
  assert_false(host::make_private_folder("/nonexistent").ok());
}

static void all_of_it_goes_and_nothing_else(void**) {
  const TempFolder temp;
  const auto outside = temp.put("outside", "stays");
  const auto folder = made(temp);
  assert_true(host::write_input(folder, "input").ok());
  assert_int_equal(::mkdir((folder + "/a").c_str(), 0700), 0);
  assert_int_equal(::mkdir((folder + "/a/b").c_str(), 0700), 0);
  write_text(folder + "/a/b/file", "text");
  assert_int_equal(::mkfifo((folder + "/fifo").c_str(), 0600), 0);
  assert_int_equal(::symlink(temp.path().c_str(), (folder + "/link").c_str()), 0);
  assert_int_equal(::symlink(outside.c_str(), (folder + "/a/link").c_str()), 0);
  assert_int_equal(::chmod((folder + "/a/b").c_str(), 0), 0);
  assert_int_equal(::chmod((folder + "/a").c_str(), 0500), 0);
  assert_true(host::remove_private_folder(folder));
  assert_false(base::exists(folder));
  assert_text_equal(read_text(outside), "stays");
  assert_true(host::remove_private_folder(folder));  // gone is gone
}

static void however_deep_and_wide(void**) {
  const TempFolder temp;
  const auto folder = made(temp);
  const int here = ::open(".", O_RDONLY | O_CLOEXEC);
  assert_int_equal(::chdir(folder.c_str()), 0);
  for (int i = 0; i < 3000; ++i) {  // longer than any path
    assert_int_equal(::mkdir("deeper", 0700), 0);
    assert_int_equal(::chdir("deeper"), 0);
    if (i % 100 == 0) write_text("file", "text");
  }
  assert_int_equal(::fchdir(here), 0);
  ::close(here);
  for (int i = 0; i < 500; ++i)
    assert_int_equal(::mkdir((folder + "/" + std::to_string(i)).c_str(), 0700), 0);
  assert_true(host::remove_private_folder(folder));
  assert_false(base::exists(folder));
}

static void gives_up_after_so_many(void**) {
  const TempFolder temp;
  const auto folder = made(temp);
  for (int i = 0; i < 100; ++i) write_text(folder + "/" + std::to_string(i), "");
  assert_false(host::remove_private_folder(folder, 10));
  assert_true(base::exists(folder));
  assert_true(host::remove_private_folder(folder, 100));
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(folder_and_input_are_for_nobody_else),
      cmocka_unit_test(all_of_it_goes_and_nothing_else),
      cmocka_unit_test(however_deep_and_wide),
      cmocka_unit_test(gives_up_after_so_many),
  };
  return cmocka_run_group_tests_name("host_private_folder", tests, nullptr, nullptr);
}
