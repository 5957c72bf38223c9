"""Children that try to get out of their sandbox, and ordinary programs that have to run in it.

What this kernel does not have is skipped by the level that the result tells, which the first test holds against what
the kernel itself says.
"""
import ctypes
import errno
import os
import pathlib
import platform
import shutil
import struct
import sys
import tempfile

from fairlead_e2e.spawner import SpawnerCase

# Each line: what was tried, and the errno or "ok".
TRY = """
import ctypes, errno, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *arguments):
    ctypes.set_errno(0)
    done = getattr(libc, name)(*arguments)
    print(name, "ok" if done >= 0 else errno.errorcode[ctypes.get_errno()], flush=True)
def number(name, nr, *arguments):
    ctypes.set_errno(0)
    done = libc.syscall(nr, *arguments)
    print(name, "ok" if done >= 0 else errno.errorcode[ctypes.get_errno()], flush=True)
def try_to(name, action):
    try:
        action()
        print(name, "ok", flush=True)
    except OSError as error:
        print(name, errno.errorcode[error.errno], flush=True)
"""

# The same numbers on every architecture since Linux 5: include/uapi/asm-generic/unistd.h.
NEW_CALLS = {"io_uring_setup": 425, "open_tree": 428, "move_mount": 429, "fsopen": 430, "mount_setattr": 442,
             "process_madvise": 440, "pidfd_getfd": 438}
X86_CALLS = {"bpf": 321, "perf_event_open": 298, "userfaultfd": 323, "keyctl": 250, "add_key": 248, "kexec_load": 246,
             "init_module": 175, "finit_module": 313, "open_by_handle_at": 304, "acct": 163, "swapon": 167, "reboot": 169,
             "quotactl": 179, "process_vm_readv": 310, "kcmp": 312, "setns": 308}
NAMESPACES = {"mount": 0x20000, "cgroup": 0x2000000, "uts": 0x4000000, "ipc": 0x8000000, "user": 0x10000000,
              "pid": 0x20000000, "net": 0x40000000}


def sandbox(kind, **more):
    return {"kind": kind, "network": True, "folder_writable": False, "writable": [], "required": False} | more


class Sandbox(SpawnerCase):
    def attempt(self, script, wish, *arguments, **more):
        """Runs it in Python; the report, and what each attempt came to."""
        report = self.spawner().run(sys.executable, "-c", TRY + script, *arguments, sandbox=wish, output_head=65536, **more)
        self.assertEqual((report.end, report.status), ("exited", 0), getattr(report, "err", report) and report.err.text)
        return report, dict(line.rsplit(" ", 1) for line in report.out.text.splitlines())

    def need(self, report, key):
        if not report.fields["level"][key]:
            self.skipTest(f"this kernel has no {key}")

    def folder(self):
        path = tempfile.TemporaryDirectory(prefix="fairlead-sandbox-")
        self.addCleanup(path.cleanup)
        return path.name


class Level(Sandbox):
    def test_it_is_what_the_kernel_says(self):
        script = """
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print("nnp", status["NoNewPrivs"].strip())
print("seccomp", status["Seccomp"].strip())
print("filters", status.get("Seccomp_filters", "1").strip())
"""
        for kind in ("none", "basic", "strict"):
            report, seen = self.attempt(script, sandbox(kind))
            level = report.fields["level"]
            self.assertEqual(level["no_new_privs"], seen["nnp"] == "1", kind)
            self.assertEqual(level["seccomp"], seen["seccomp"] == "2", kind)
            version = ctypes.CDLL(None).syscall(444, None, 0, 1)  # landlock_create_ruleset(…, VERSION)
            self.assertEqual(level["landlock"], min(max(version, 0), 6) if kind == "strict" else 0)
            self.assertFalse(level["network_off"])

    def test_what_cannot_be_had_is_refused_when_it_is_required(self):
        report = self.spawner().run("/bin/true", sandbox=sandbox("strict", network=False, required=True))
        if report.kind == "failed":
            self.assertEqual(report.fields["code"], "unsupported")
            self.assertIn("requires", report.fields["message"])
        else:
            level = report.fields["level"]
            self.assertTrue(level["seccomp"] and level["landlock"] and level["network_off"])


class OlderKernels(Sandbox):
    """As on a kernel that lacks a part: a filter on the spawner itself makes it so."""

    PR_SET_SECCOMP, LANDLOCK_CREATE_RULESET = 22, 444

    def refuse(self, *steps):
        """Called in the spawner's process, before it is one: these steps of a filter answer "refuse" by jumping there."""
        def install():
            libc = ctypes.CDLL(None, use_errno=True)
            program = [*steps, (0x06, 0, 0, 0x7FFF0000), (0x06, 0, 0, 0x00050000 | errno.EINVAL)]  # allow; errno
            packed = b"".join(struct.pack("HBBI", *step) for step in program)
            buffer = ctypes.create_string_buffer(packed, len(packed))
            header = struct.pack("HxxxxxxP", len(program), ctypes.addressof(buffer))
            if libc.prctl(38, 1, 0, 0, 0) != 0 or libc.prctl(self.PR_SET_SECCOMP, 2, header, 0, 0) != 0:
                os._exit(99)
        return install

    def without_landlock(self):
        return self.refuse((0x20, 0, 0, 0), (0x15, 1, 0, self.LANDLOCK_CREATE_RULESET))  # load the number; is it that?

    def without_seccomp(self):
        prctl = {"x86_64": 157, "aarch64": 167}.get(platform.machine()) or self.skipTest("numbers are not known here")
        return self.refuse((0x20, 0, 0, 0), (0x15, 0, 2, prctl), (0x20, 0, 0, 16), (0x15, 1, 0, self.PR_SET_SECCOMP))

    def test_without_landlock_the_rest_holds_and_it_is_told(self):
        spawner = self.spawner(before=self.without_landlock())
        wish = sandbox("strict", network=False)
        level = spawner.run("/bin/true", sandbox=wish).fields["level"]
        self.assertEqual(level, {"no_new_privs": True, "seccomp": True, "landlock": 0, "network_off": True})
        report = spawner.run("/bin/true", sandbox=wish | {"required": True})
        self.assertEqual((report.kind, report.fields.get("code")), ("failed", "unsupported"))
        self.assertIn("no Landlock", report.fields["message"])

    def test_without_seccomp_the_rest_holds_and_it_is_told(self):
        spawner = self.spawner(before=self.without_seccomp())
        wish = sandbox("strict", network=False)
        level = spawner.run("/bin/true", sandbox=wish).fields["level"]
        self.assertEqual((level["seccomp"], level["network_off"]), (False, False))
        report = spawner.run("/bin/true", sandbox=wish | {"required": True})
        self.assertEqual((report.kind, report.fields.get("code")), ("failed", "unsupported"))
        self.assertIn("/bin/true requires", report.fields["message"])


class Calls(Sandbox):
    def test_calls_that_reach_into_the_kernel_are_refused(self):
        calls = NEW_CALLS | (X86_CALLS if platform.machine() == "x86_64" else {})
        script = "".join(f"number({name!r}, {nr}, 0, 0, 0, 0, 0)\n" for name, nr in calls.items())
        script += 'call("ptrace", 0, 0, 0, 0)\ncall("mount", b"none", b"/mnt", b"tmpfs", 0, 0)\ncall("chroot", b"/")\n'
        report, seen = self.attempt(script, sandbox("basic"))
        self.need(report, "seccomp")
        self.assertEqual(set(seen.values()), {"EPERM"}, seen)

    def test_the_same_calls_come_to_something_else_without(self):
        """So the test above can fail."""
        _, seen = self.attempt(f'number("fsopen", {NEW_CALLS["fsopen"]}, 0, 0)\nnumber("pidfd_getfd", 438, -1, 0, 0)',
                               sandbox("none"))
        self.assertNotEqual(seen["pidfd_getfd"], "EPERM")

    def test_no_new_namespaces(self):
        script = "".join(f'call("unshare", {flag})\n' for flag in NAMESPACES.values())
        report, _ = self.attempt(script, sandbox("basic"))
        self.need(report, "seccomp")
        self.assertEqual(report.out.text, "unshare EPERM\n" * len(NAMESPACES))
        clone = {"x86_64": 56, "aarch64": 220}.get(platform.machine())
        if clone:
            script = "".join(f'number("{name}", {clone}, {flag} | 17, 0, 0, 0, 0)\n' for name, flag in NAMESPACES.items())
            _, seen = self.attempt(script, sandbox("basic"))
            self.assertEqual(set(seen.values()), {"EPERM"}, seen)

    def test_no_devices(self):
        folder = self.folder()
        script = f"""
import stat
try_to("block", lambda: os.mknod({folder!r} + "/b", 0o600 | stat.S_IFBLK, os.makedev(7, 0)))
try_to("char", lambda: os.mknod({folder!r} + "/c", 0o600 | stat.S_IFCHR, os.makedev(1, 1)))
try_to("fifo", lambda: os.mkfifo({folder!r} + "/f"))
"""
        report, seen = self.attempt(script, sandbox("basic"))
        self.need(report, "seccomp")
        self.assertEqual(seen, {"block": "EPERM", "char": "EPERM", "fifo": "ok"})

    def test_the_sandbox_holds_for_what_the_child_starts(self):
        report = self.spawner().run_shell("(sh -c 'unshare -r true' || echo refused) & wait", sandbox=sandbox("basic"))
        self.need(report, "seccomp")
        self.assertEqual(report.out.text, "refused\n")


class Network(Sandbox):
    SCRIPT = """
for family in ("AF_UNIX", "AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET", "AF_VSOCK"):
    try_to(family, lambda: socket.socket(getattr(socket, family), socket.SOCK_DGRAM if family != "AF_UNIX" else socket.SOCK_STREAM))
try_to("pair", socket.socketpair)
"""

    def test_off_leaves_unix_sockets_alone(self):
        report, seen = self.attempt(self.SCRIPT, sandbox("basic", network=False))
        self.need(report, "network_off")
        self.assertEqual((seen.pop("AF_UNIX"), seen.pop("pair")), ("ok", "ok"))
        self.assertEqual(set(seen.values()), {"EPERM"}, seen)

    def test_on_leaves_it_on(self):
        report, seen = self.attempt(self.SCRIPT, sandbox("strict"))
        self.assertEqual((seen["AF_UNIX"], seen["AF_INET"]), ("ok", "ok"))
        self.assertFalse(report.fields["level"]["network_off"])


class Files(Sandbox):
    SCRIPT = """
for name in sys.argv[1:]:
    try_to(name, lambda: open(name, "w").close())
"""

    def test_nothing_is_written_but_where_it_may_be(self):
        outside, inside = self.folder(), self.folder()
        pathlib.Path(outside, "there").write_text("as it was")
        wish = sandbox("strict", writable=[inside])
        script = self.SCRIPT + f"""
outside, inside = {outside!r}, {inside!r}
try_to("truncate", lambda: os.truncate(outside + "/there", 0))
try_to("remove", lambda: os.unlink(outside + "/there"))
try_to("rename", lambda: os.rename(outside + "/there", inside + "/here"))
try_to("link", lambda: os.link(outside + "/there", inside + "/here"))
try_to("folder", lambda: os.mkdir(outside + "/folder"))
try_to("symlink", lambda: os.symlink("/", outside + "/link"))
try_to("read", lambda: open(outside + "/there").read())
try_to("inside", lambda: os.rename(inside + "/new", inside + "/other"))
"""
        report, seen = self.attempt(script, wish, f"{outside}/new", f"{outside}/there", f"{inside}/new", "/dev/null")
        self.need(report, "landlock")
        self.assertEqual((seen.pop(f"{inside}/new"), seen.pop("/dev/null"), seen.pop("read"), seen.pop("inside")),
                         ("ok", "ok", "ok", "ok"))
        if report.fields["level"]["landlock"] < 3:
            seen.pop("truncate")
        self.assertLessEqual(set(seen.values()), {"EACCES", "EXDEV"}, seen)
        if "truncate" in seen:
            self.assertEqual(pathlib.Path(outside, "there").read_text(), "as it was")
        self.assertEqual(os.listdir(outside), ["there"])

    def test_its_own_folders_when_asked_for(self):
        working = self.folder()
        script = self.SCRIPT + 'try_to("private", lambda: open(os.environ["TMPDIR"] + "/file", "w").close())\n'
        for writable in (False, True):
            report, seen = self.attempt(script, sandbox("strict", folder_writable=writable), f"{working}/new", folder=working,
                                        private_folder="TMPDIR")
            self.need(report, "landlock")
            self.assertEqual(seen, {f"{working}/new": "ok" if writable else "EACCES", "private": "ok"})

    def test_one_file_can_be_writable(self):
        folder = self.folder()
        pathlib.Path(folder, "log").touch()
        report, seen = self.attempt(self.SCRIPT, sandbox("strict", writable=[f"{folder}/log"]), f"{folder}/log", f"{folder}/other")
        self.need(report, "landlock")
        self.assertEqual(seen, {f"{folder}/log": "ok", f"{folder}/other": "EACCES"})

    def test_no_signal_to_the_outside(self):
        script = 'import signal\ntry_to("guard", lambda: os.kill(os.getppid(), 0))\ntry_to("self", lambda: os.kill(os.getpid(), 0))'
        report, seen = self.attempt(script, sandbox("strict"))
        if report.fields["level"]["landlock"] < 6:
            self.skipTest("this kernel's Landlock knows no signals")
        self.assertEqual(seen, {"guard": "EPERM", "self": "ok"})


class OrdinaryPrograms(Sandbox):
    """Under the strictest there is, with nothing but a private folder to write to."""

    def run_there(self, script, *tools):
        for tool in tools:
            if not shutil.which(tool):
                self.skipTest(f"no {tool} here")
        report = self.spawner().run("/bin/sh", "-euc", "cd \"$TMPDIR\"\n" + script, private_folder="TMPDIR",
                                    sandbox=sandbox("strict", network=False), environment={"HOME": "/nonexistent"})
        self.assertEqual((report.end, report.status), ("exited", 0), getattr(report, "err", report) and report.err.text)
        return report.out.text

    def test_a_shell_with_pipes_and_jobs(self):
        text = self.run_there("bash -c 'set -o pipefail; seq 1000 | sort -r | tail -1 > x; cat x & wait; exec 3<x; cat <&3'",
                              "bash")
        self.assertEqual(text, "1\n1\n")

    def test_python_with_threads_and_processes(self):
        self.assertEqual(self.run_there("""python3 -c '
import subprocess, tempfile, threading, sqlite3, ssl
thread = threading.Thread(target=print, args=("thread",)); thread.start(); thread.join()
print(subprocess.run(["echo", "process"], capture_output=True, text=True).stdout, end="")
with tempfile.NamedTemporaryFile() as file: file.write(b"x")
sqlite3.connect("base").execute("create table t (x)")
'""", "python3"), "thread\nprocess\n")

    def test_git_and_tar_and_curl(self):
        self.assertEqual(self.run_there("""
git init -q here && cd here && echo text > file && git add file
git -c user.name=x -c user.email=x@y commit -qm message && git log --format=%s
tar czf ../here.tar.gz . && mkdir ../there && tar xzf ../here.tar.gz -C ../there && cat ../there/file
curl -s file://$PWD/file
""", "git", "tar", "curl"), "message\ntext\ntext\n")
