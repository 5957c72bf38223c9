#include "http/control_socket.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "base/file.hpp"
#include "http_house.hpp"

using namespace house;
using http::ControlSocket;

namespace {

mode_t mode_of(const std::string& path) {
  struct stat facts{};
  assert_int_equal(::lstat(path.c_str(), &facts), 0);
  return facts.st_mode & 07777;
}

}  // namespace

static void only_the_owner_may_enter_in_user_mode(void**) {
  TempFolder folder;
  const std::string inner = folder.path() + "/run";
  {
    auto socket = ControlSocket::open({.runtime_dir = inner});
    assert_true(socket.ok());
    assert_text_equal(socket->path(), inner + "/control.sock");
    assert_int_equal(mode_of(inner), 0700);
    assert_int_equal(mode_of(socket->path()), 0600);
    assert_true(Peer(socket->path()).connected());
  }
  assert_false(base::exists(inner + "/control.sock"));  // removed with its owner
  ::rmdir(inner.c_str());
}

// As with `runtime_dir: /run`, or `~`: what others use must stay what it is.
static void a_folder_that_is_open_to_others_is_refused_and_left_alone(void**) {
  for (const mode_t mode : {0777, 01777, 0755, 0750, 0711, 0701}) {
    TempFolder folder;
    assert_int_equal(::chmod(folder.path().c_str(), mode), 0);
    const auto socket = ControlSocket::open({.runtime_dir = folder.path()});
    assert_false(socket.ok());
    assert_true(socket.error().code == base::Code::io);
    assert_non_null(std::strstr(socket.error().message.c_str(), "runtime_dir"));
    assert_non_null(std::strstr(socket.error().message.c_str(), ("chmod 0700 " + folder.path()).c_str()));
    assert_int_equal(mode_of(folder.path()), mode);
    assert_false(base::exists(http::control_socket_path(folder.path())));
  }
}

static void a_folder_that_is_ours_alone_is_used_as_it_is(void**) {
  TempFolder folder;
  assert_int_equal(::chmod(folder.path().c_str(), 0700), 0);
  const auto socket = ControlSocket::open({.runtime_dir = folder.path()});
  assert_true(socket.ok());
  assert_int_equal(mode_of(folder.path()), 0700);
}

static void a_group_shares_it_in_system_mode(void**) {
  TempFolder folder;
  const group* mine = ::getgrgid(::getegid());
  if (mine == nullptr) skip();
  const http::ControlSocketPlan plan{folder.path() + "/run", true, mine->gr_name};
  for (int start = 0; start < 2; ++start) {  // the second one finds the folder of the first
    const auto socket = ControlSocket::open(plan);
    assert_true(socket.ok());
    assert_true(socket->shared());
    assert_int_equal(mode_of(plan.runtime_dir), 0750);
    assert_int_equal(mode_of(socket->path()), 0660);
  }
  // Members who can write there could put a socket of their own in the place of ours.
  assert_int_equal(::chmod(plan.runtime_dir.c_str(), 0770), 0);
  assert_false(ControlSocket::open(plan).ok());
  ::rmdir(plan.runtime_dir.c_str());
}

static void a_folder_from_before_stays_closed_to_the_group(void**) {
  TempFolder folder;
  const group* mine = ::getgrgid(::getegid());
  if (mine == nullptr) skip();
  const auto socket =
      ControlSocket::open({.runtime_dir = folder.path(), .system_mode = true, .group = mine->gr_name});
  assert_true(socket.ok());
  assert_false(socket->shared());
  assert_int_equal(mode_of(folder.path()), 0700);
  assert_int_equal(mode_of(socket->path()), 0600);
}

static void without_the_group_system_mode_is_closed_too(void**) {
  TempFolder folder;
  const std::string inner = folder.path() + "/run";
  {
    const auto socket =
        ControlSocket::open({.runtime_dir = inner, .system_mode = true, .group = "fairlead-no-such-group"});
    assert_true(socket.ok());
    assert_false(socket->shared());
    assert_int_equal(mode_of(inner), 0700);
    assert_int_equal(mode_of(socket->path()), 0600);
  }
  ::rmdir(inner.c_str());
}

static void a_socket_that_a_dead_daemon_left_is_replaced(void**) {
  TempFolder folder;
  const std::string path = http::control_socket_path(folder.path());
  loop::listen_on(*loop::Address::unix_path(path))->reset();  // closed, the file stays
  assert_true(base::exists(path));
  const auto socket = ControlSocket::open({.runtime_dir = folder.path()});
  assert_true(socket.ok());
  assert_true(Peer(path).connected());
}

static void a_live_daemon_is_left_alone(void**) {
  TempFolder folder;
  const auto first = ControlSocket::open({.runtime_dir = folder.path()});
  assert_true(first.ok());
  const auto second = ControlSocket::open({.runtime_dir = folder.path()});
  assert_false(second.ok());
  assert_true(second.error().code == base::Code::conflict);
  assert_true(Peer(first->path()).connected());
}

static void a_live_daemon_with_a_full_queue_is_left_alone(void**) {
  TempFolder folder;
  const auto path = http::control_socket_path(folder.path());
  const auto listener = loop::listen_on(*loop::Address::unix_path(path), 0);
  std::vector<std::unique_ptr<Peer>> queue;
  do queue.push_back(std::make_unique<Peer>(path));
  while (queue.back()->connected() && queue.size() < 100);
  assert_false(queue.back()->connected());
  const auto second = ControlSocket::open({.runtime_dir = folder.path()});
  assert_false(second.ok());
  assert_true(second.error().code == base::Code::conflict);
}

static void what_is_not_a_socket_is_not_removed(void**) {
  TempFolder folder;
  const std::string path = http::control_socket_path(folder.path());
  assert_true(base::replace_file(path, "precious").ok());
  const auto socket = ControlSocket::open({.runtime_dir = folder.path()});
  assert_false(socket.ok());
  assert_true(socket.error().code == base::Code::conflict);
  assert_true(base::exists(path));
}

static void a_successors_socket_survives_our_end(void**) {
  TempFolder folder;
  const std::string path = http::control_socket_path(folder.path());
  base::UniqueFd successor;
  {
    const auto socket = ControlSocket::open({.runtime_dir = folder.path()});
    assert_true(socket.ok());
    assert_int_equal(::rename(path.c_str(), (path + ".old").c_str()), 0);  // keeps the inode taken
    successor = std::move(*loop::listen_on(*loop::Address::unix_path(path)));
  }
  assert_true(Peer(path).connected());
  ::unlink((path + ".old").c_str());
}

static void a_path_too_long_for_a_socket_is_said_so(void**) {
  const auto socket = ControlSocket::open({.runtime_dir = "/tmp/" + std::string(120, 'x')});
  assert_false(socket.ok());
  assert_true(socket.error().code == base::Code::bad_request);
  assert_false(base::exists("/tmp/" + std::string(120, 'x')));
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(only_the_owner_may_enter_in_user_mode),
      cmocka_unit_test(a_folder_that_is_open_to_others_is_refused_and_left_alone),
      cmocka_unit_test(a_folder_that_is_ours_alone_is_used_as_it_is),
      cmocka_unit_test(a_group_shares_it_in_system_mode),
      cmocka_unit_test(a_folder_from_before_stays_closed_to_the_group),
      cmocka_unit_test(without_the_group_system_mode_is_closed_too),
      cmocka_unit_test(a_socket_that_a_dead_daemon_left_is_replaced),
      cmocka_unit_test(a_live_daemon_is_left_alone),
      cmocka_unit_test(a_live_daemon_with_a_full_queue_is_left_alone),
      cmocka_unit_test(what_is_not_a_socket_is_not_removed),
      cmocka_unit_test(a_successors_socket_survives_our_end),
      cmocka_unit_test(a_path_too_long_for_a_socket_is_said_so),
  };
  return cmocka_run_group_tests_name("http_control_socket", tests, nullptr, nullptr);
}
