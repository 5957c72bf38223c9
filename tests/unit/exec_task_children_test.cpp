// What children of tasks get of the real spawner: a program that is the one allowed, input as a file, the
// level of their sandbox, and somebody who watches. Attempts to get out of the sandbox: tests/e2e/
// test_spawner_sandbox.py.
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "base/file.hpp"
#include "base/hash.hpp"
#include "cmocka.hpp"
#include "exec/spawner.hpp"
#include "spawner_house.hpp"
#include "temp_folder.hpp"

using namespace fairlead;
using namespace std::chrono_literals;

namespace {

// Where programs may be executed, which is not so of /dev/shm everywhere.
class ProgramFolder {
 public:
  ProgramFolder() { assert_non_null(::mkdtemp(path_)); }
  ~ProgramFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ProgramFolder(const ProgramFolder&) = delete;
  ProgramFolder& operator=(const ProgramFolder&) = delete;
  std::string path(const std::string& name) const { return std::string(path_) + "/" + name; }
  std::string put(const std::string& name, const std::string& text, mode_t mode = 0755) const {
    write_text(path(name), text);
    assert_int_equal(::chmod(path(name).c_str(), mode), 0);
    return path(name);
  }
  std::size_t entries() const {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(path_)) ++count;
    return count;
  }

 private:
  char path_[32] = "/tmp/fairlead-test-XXXXXX";
};

core::ChildSpec allowed(const std::string& path, const std::string& text) {
  auto spec = command({path, "word"});
  spec.sha256 = base::sha256_hex(text);
  return spec;
}

void refused(const Result& result, base::Code code, const std::string& with) {
  if (result.ok()) fail_msg("it ran");
  if (result.error().code != code || result.error().message.find(with) == std::string::npos)
    fail_msg("%s: %s", base::to_string(result.error().code).data(), result.error().message.c_str());
}

std::string copy_of(const char* program) {
  auto text = read_text(program);
  assert_true(text.size() > 1000);
  return text;
}

}  // namespace

static void the_program_that_is_allowed_runs(void**) {
  House house;
  const ProgramFolder folder;
  const std::string text = "#!/bin/sh\necho \"$1\"\n";
  const auto result = house.outcome(allowed(folder.put("tool", text), text));
  assert_true(result.ok());
  assert_text_equal(result->out.head, "word\n");
}

static void another_one_is_refused_with_both_hashes_and_does_not_run(void**) {
  House house;
  const ProgramFolder folder;
  const std::string text = "#!/bin/sh\ntouch " + folder.path("ran") + "\n";
  auto spec = allowed(folder.put("tool", text), "what it was before");
  const auto result = house.outcome(spec);
  refused(result, base::Code::forbidden, base::sha256_hex(text));
  refused(result, base::Code::forbidden, spec.sha256);
  refused(result, base::Code::forbidden, spec.argv[0]);
  assert_false(base::exists(folder.path("ran")));
}

static void a_script_is_the_one_that_was_hashed_while_the_file_is_rewritten(void**) {
  House house;
  const ProgramFolder folder;
  // It waits for a line of the test, and a shell reads its script line by line.
  std::string text = "#!/bin/sh\necho begun\nwhile [ ! -e " + folder.path("go") + " ]; do sleep 0.05; done\n";
  text += "echo ended\n";
  const auto path = folder.put("tool", text);
  std::optional<Result> result;
  std::string seen;
  const auto call = house.spawner->start(
      allowed(path, text), [&](Result got) { result = std::move(got); },
      [&](const core::ChildPiece& piece) { seen += piece.bytes; });
  house.until([&] { return seen == "begun\n"; });
  folder.put("tool", "#!/bin/sh\n" + std::string(text.size(), '\n') + "echo other\n");
  folder.put("go", "");
  house.until([&] { return result.has_value(); });
  assert_text_equal((*result)->out.head, "begun\nended\n");
  refused(house.outcome(allowed(path, text)), base::Code::forbidden, "SHA-256");
}

static void a_binary_runs_from_its_file_or_from_a_copy(void**) {
  House house;
  const ProgramFolder folder;
  const auto text = copy_of("/bin/readlink");
  for (const mode_t mode : {0755, 0775}) {
    const auto path = folder.put("tool", text, mode);
    auto spec = allowed(path, text);
    spec.argv = {path, "/proc/self/exe"};
    const auto result = house.outcome(spec);
    assert_true(result.ok());
    // Where others than root can write to it (or its owner is not root), it is the copy.
    const bool safe = mode == 0755 && ::geteuid() == 0;
    assert_text_equal(result->out.head, safe ? path + "\n" : "/memfd:program (deleted)\n");
  }
}

static void what_is_no_program_is_refused(void**) {
  House house;
  const ProgramFolder folder;
  const std::string text = "#!/bin/sh\n";
  refused(house.outcome(allowed(folder.path("missing"), text)), base::Code::not_found, "missing");
  refused(house.outcome(allowed(folder.put("plain", text, 0644), text)), base::Code::io, "plain");
  refused(house.outcome(allowed("/tmp", text)), base::Code::io, "/tmp");
  assert_int_equal(::mkfifo(folder.path("fifo").c_str(), 0700), 0);
  refused(house.outcome(allowed(folder.path("fifo"), text)), base::Code::io, "fifo");
  const auto large = folder.put("large", text);
  assert_int_equal(::truncate(large.c_str(), 17 << 20), 0);
  refused(house.outcome(allowed(large, text)), base::Code::too_large, "16 MiB");
}

static void a_program_may_go_by_another_name(void**) {
  House house;
  auto spec = command({"my-name", "-c", "echo \"$0\""});
  spec.program = "/bin/sh";
  for (const auto& hash : {std::string(), base::sha256_hex(read_text("/bin/sh"))}) {
    spec.sha256 = hash;
    const auto result = house.outcome(spec);
    assert_true(result.ok());
    assert_text_equal(result->out.head, "my-name\n");
  }
}

static void a_program_has_no_descriptor_too_many(void**) {
  House house;
  auto spec = command({"/bin/ls", "/proc/self/fd"});
  spec.sha256 = base::sha256_hex(read_text("/bin/ls"));
  assert_text_equal(house.outcome(spec)->out.head, "0\n1\n2\n3\n");  // 3 is the folder that it lists
}

static void input_comes_as_a_file_of_its_own(void**) {
  House house;
  const ProgramFolder folder;
  auto spec = script("cat; cat \"$INPUT\"; stat -c ' %a' \"$INPUT\" \"$MINE\"; echo x > \"$MINE/more\"");
  spec.input = "the input";
  spec.input_file = "INPUT";
  spec.private_folder = "MINE";
  spec.private_in = folder.path("");
  const auto result = house.outcome(spec);
  assert_text_equal(result->out.head, "the input 600\n 700\n");
  assert_true(result->clean());
  assert_int_equal(folder.entries(), 0);  // gone with the tree
  spec.input_file.clear();
  spec.argv = {"/bin/cat"};
  assert_text_equal(house.outcome(spec)->out.head, "the input");
}

static void the_private_folder_goes_however_the_child_ends(void**) {
  House house;
  const ProgramFolder folder;
  auto spec = script("mkdir -p \"$MINE/a/b\"; chmod 0 \"$MINE/a\"; exec sleep 1000");
  spec.private_folder = "MINE";
  spec.private_in = folder.path("");
  spec.timeout = 300ms;
  assert_true(house.outcome(spec)->end == core::ChildEnd::timed_out);
  assert_int_equal(folder.entries(), 0);
  spec.argv = {"/nonexistent"};
  refused(house.outcome(spec), base::Code::not_found, "/nonexistent");
  assert_int_equal(folder.entries(), 0);
  spec.argv = {"/bin/sh", "-c", "echo > \"$MINE/file\"; kill -9 $PPID; exec sleep 1000"};
  spec.timeout = 30s;
  const auto lost = house.outcome(spec);  // an error when the guard had not yet told that it has begun
  assert_true(lost ? lost->end == core::ChildEnd::signalled : lost.error().code == base::Code::unavailable);
  assert_int_equal(folder.entries(), 0);
  spec.private_in = "/nonexistent";
  refused(house.outcome(spec), base::Code::io, "/nonexistent");
}

static void the_level_is_in_the_result(void**) {
  House house;
  auto spec = script("grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status");
  const auto plain = house.outcome(spec);
  assert_text_equal(plain->level.text(), "no_new_privs");
  assert_text_equal(plain->out.head, "NoNewPrivs:\t1\nSeccomp:\t0\n");
  spec.sandbox.kind = core::SandboxKind::basic;
  const auto basic = house.outcome(spec);
  assert_true(basic->level.landlock == 0 && !basic->level.network_off);
  assert_text_equal(basic->out.head,
                    basic->level.seccomp ? "NoNewPrivs:\t1\nSeccomp:\t2\n" : "NoNewPrivs:\t1\nSeccomp:\t0\n");
  spec.sandbox = {core::SandboxKind::strict, false, false, {}, false};
  const auto strict = house.outcome(spec);
  assert_int_equal(strict->level.network_off, strict->level.seccomp);
  assert_true(core::missing(spec.sandbox, strict->level).size() + (strict->level.landlock > 0 ? 1 : 0) +
                  (strict->level.seccomp ? 2 : 0) ==
              3);
}

static void a_required_sandbox_is_had_or_the_child_is_refused(void**) {
  House house;
  auto spec = script("true");
  spec.sandbox = {core::SandboxKind::strict, false, false, {}, true};
  const auto result = house.outcome(spec);
  if (result.ok())
    assert_true(core::missing(spec.sandbox, result->level).empty());
  else
    refused(result, base::Code::unsupported, "requires");
}

static void a_writable_folder_must_be_there(void**) {
  House house;
  auto spec = script("true");
  spec.sandbox.kind = core::SandboxKind::strict;
  const auto level = house.outcome(spec)->level;
  if (level.landlock == 0) skip();
  spec.sandbox.writable = {"/nonexistent/folder"};
  refused(house.outcome(spec), base::Code::io, "/nonexistent/folder");
}

static void output_is_seen_in_order_while_it_comes(void**) {
  House house;
  std::vector<core::ChildPiece> pieces;
  std::optional<Result> result;
  const auto call = house.spawner->start(
      script("echo one; echo two >&2; echo three"), [&](Result got) { result = got; },
      [&](const core::ChildPiece& piece) {
        assert_false(result.has_value());
        pieces.push_back(piece);
      });
  house.until([&] { return result.has_value(); });
  std::string out, err;
  for (const auto& piece : pieces) {
    (piece.is_err ? err : out) += piece.bytes;
    assert_false(piece.cut);
  }
  assert_text_equal(out, "one\nthree\n");
  assert_text_equal(out, (*result)->out.head);
  assert_text_equal(err, (*result)->err.head);
}

static void a_flood_is_cut_live_and_captured_as_ever_while_others_run(void**) {
  House house;
  std::size_t seen = 0, cuts = 0, calls = 0;
  std::optional<Result> result;
  auto spec = script("yes 0123456789 | head -c 30000000; echo >&2");
  spec.output_head = spec.output_tail = 1000;
  const auto call = house.spawner->start(
      spec, [&](Result got) { result = got; },
      [&](const core::ChildPiece& piece) {
        seen += piece.bytes.size();
        cuts += piece.cut ? 1 : 0;
        ++calls;
      });
  assert_text_equal(house.outcome(script("echo another"))->out.head, "another\n");
  house.until([&] { return result.has_value(); });
  assert_int_equal((*result)->out.total, 30'000'000);
  assert_int_equal((*result)->out.head.size(), 1000);
  const auto seconds = static_cast<std::size_t>((*result)->duration.count()) / 1000 + 2;
  assert_true(seen > 0 && seen <= (1u << 20) + 1 && seen <= seconds * (64u << 10) + 1);
  assert_true(cuts > 0);
  assert_true(calls <= seconds * 20 + 4);
}

static void who_listens_may_let_go(void**) {
  House house;
  std::unique_ptr<core::ChildCall> call;
  bool heard = false;
  call = house.spawner->start(
      script("echo one; exec sleep 1000"), [](Result) { fail_msg("called"); },
      [&](const core::ChildPiece&) {
        heard = true;
        call.reset();
      });
  house.until([&] { return heard; });
  bool stopped = false;
  house.spawner->stop([&] { stopped = true; });
  house.until([&] { return stopped; });
}

// While the guard still reads the program, nothing has started, and yet the child ends as it is told to.
static void ending_one_that_is_being_hashed(void**) {
  House house;
  const ProgramFolder folder;
  const auto path = folder.put("large",
                               "\x7f"
                               "ELF");
  if (::geteuid() != 0) skip();                                   // then it is refused for its size
  assert_int_equal(::truncate(path.c_str(), off_t{4} << 30), 0);  // a hole: nothing on the disk, long to hash
  std::optional<Result> result;
  const auto call =
      house.spawner->start(allowed(path, "something else"), [&](Result got) { result = std::move(got); });
  call->end();
  assert_text_equal(house.outcome(script("echo another"))->out.head, "another\n");
  house.until([&] { return result.has_value(); });
  assert_true(result->ok() && (*result)->end == core::ChildEnd::killed);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_program_that_is_allowed_runs),
      cmocka_unit_test(another_one_is_refused_with_both_hashes_and_does_not_run),
      cmocka_unit_test(a_script_is_the_one_that_was_hashed_while_the_file_is_rewritten),
      cmocka_unit_test(a_binary_runs_from_its_file_or_from_a_copy),
      cmocka_unit_test(what_is_no_program_is_refused),
      cmocka_unit_test(a_program_may_go_by_another_name),
      cmocka_unit_test(a_program_has_no_descriptor_too_many),
      cmocka_unit_test(input_comes_as_a_file_of_its_own),
      cmocka_unit_test(the_private_folder_goes_however_the_child_ends),
      cmocka_unit_test(the_level_is_in_the_result),
      cmocka_unit_test(a_required_sandbox_is_had_or_the_child_is_refused),
      cmocka_unit_test(a_writable_folder_must_be_there),
      cmocka_unit_test(output_is_seen_in_order_while_it_comes),
      cmocka_unit_test(a_flood_is_cut_live_and_captured_as_ever_while_others_run),
      cmocka_unit_test(who_listens_may_let_go),
      cmocka_unit_test(ending_one_that_is_being_hashed),
  };
  return cmocka_run_group_tests_name("exec_task_children", tests, nullptr, nullptr);
}
