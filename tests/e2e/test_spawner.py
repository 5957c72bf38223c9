"""What a child of the spawner gets, what comes back of it, and that its whole tree ends, whatever it does."""
import array
import hashlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile

from fairlead_e2e import until
from fairlead_e2e.platform import PATIENCE
from fairlead_e2e.spawner import HOST, SpawnerCase, boot_ms, marked, request

IGNORE = "trap '' TERM HUP INT; "
FOREVER = "while :; do sleep 1; done"

# Twice forked, its own session, no terminal, no parent: what daemon(3) does. Ignores TERM when told to.
DAEMONIZE = """
import os, signal, sys, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
if sys.argv[1] == "deaf": signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.chdir("/")
print("daemon", flush=True)
if "TMPDIR" in os.environ: open(os.environ["TMPDIR"] + "/there", "w").close()
time.sleep(10000)
"""
AWAIT_DAEMON = "until [ -e $TMPDIR/there ]; do sleep 0.05; done"  # for a child with a private folder

# Hands its stdout to a stranger.
HAND_OVER = """
import array, socket, sys
peer = socket.socket(socket.AF_UNIX)
peer.connect(sys.argv[1])
print("before", flush=True)
peer.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [1]))])
peer.recv(1)
"""


class WhatAChildGets(SpawnerCase):
    def test_exit_code_and_both_streams(self):
        report = self.spawner().run_shell("echo out; echo err >&2; exit 7")
        self.assertEqual((report.end, report.status), ("exited", 7))
        self.assertEqual((report.out.text, report.err.text), ("out\n", "err\n"))

    def test_the_signal_that_ended_it(self):
        report = self.spawner().run_shell("kill -USR1 $$")
        self.assertEqual((report.end, report.status), ("signalled", signal.SIGUSR1))

    def test_bytes_come_as_they_are(self):
        every = bytes(range(256)) * 4
        report = self.spawner().run("/bin/cat", data=every)
        self.assertEqual(report.out.head, every)

    def test_input_larger_than_a_pipe(self):
        data = os.urandom(1 << 20)
        report = self.spawner().run("/usr/bin/sha256sum", data=data)
        self.assertEqual(report.out.text.split()[0], hashlib.sha256(data).hexdigest())

    def test_input_that_nobody_reads(self):
        report = self.spawner().run("/bin/true", data=bytes(1 << 20))
        self.assertEqual((report.end, report.status), ("exited", 0))

    def test_without_input_there_is_end_of_file(self):
        self.assertEqual(self.spawner().run("/bin/cat").out.total, 0)

    def test_no_descriptor_but_three(self):
        script = "import os; print(sorted(int(fd) for fd in os.listdir('/proc/self/fd')))"
        report = self.spawner().run(sys.executable, "-c", script)
        self.assertEqual(report.out.text, "[0, 1, 2, 3]\n")  # 3 is the folder that it lists

    def test_the_environment_that_was_named_and_nothing_else(self):
        spawner = self.spawner()
        report = spawner.run("/usr/bin/env", environment={"EMPTY": "", "EQUALS": "a=b", "LINES": "1\n2"})
        names = {line.split("=")[0] for line in report.out.text.splitlines()}
        self.assertEqual(names, {"PATH", "FAIRLEAD_TEST_MARK", "EMPTY", "EQUALS", "LINES", "2"})
        self.assertIn("EQUALS=a=b\n", report.out.text)

    def test_argv_is_not_for_a_shell(self):
        words = ["$HOME", "a b", "", "*", "'\"\\", "ümläut", "line\nbreak"]
        script = "import sys; print(ascii(sys.argv[1:]))"
        self.assertEqual(self.spawner().run(sys.executable, "-c", script, *words).out.text, ascii(words) + "\n")

    def test_its_folder(self):
        self.assertEqual(self.spawner().run("/bin/pwd", folder="/usr").out.text, "/usr\n")

    def test_a_session_of_its_own(self):
        spawner = self.spawner()
        number = spawner.shell("cat /proc/$$/stat; exec sleep 10000", live_output=True)
        spawner.wait_seen(number, b"\n")
        spawner.wait_started(number)
        spawner.send({"do": "end", "id": number})
        report = spawner.wait(number)
        pid, rest = report.out.text.split(" ", 1)
        _, _, group, session, terminal = rest.rsplit(") ", 1)[1].split()[:5]
        self.assertEqual({pid, group, session}, {str(spawner.started[number])})
        self.assertEqual(terminal, "0")

    def test_default_signals_no_privileges_no_cores(self):
        report = self.spawner().run("/bin/cat", "/proc/self/status", "/proc/self/limits", output_head=65536)
        status = dict(line.split(":\t", 1) for line in report.out.text.splitlines() if ":\t" in line)
        for key in ("SigBlk", "SigIgn", "SigCgt"):
            self.assertEqual(int(status[key], 16), 0, key)
        self.assertEqual(status["NoNewPrivs"], "1")
        limits = {line[:26].strip(): line[26:].split()[:2] for line in report.out.text.splitlines() if line.startswith("Max")}
        self.assertEqual(limits["Max core file size"], ["0", "0"])
        self.assertLessEqual(int(limits["Max open files"][0]), 1024)

    def test_what_cannot_be_executed(self):
        with tempfile.NamedTemporaryFile("w", suffix=".sh") as plain:
            plain.write("#!/bin/sh\n")
            plain.flush()
            spawner = self.spawner()
            for path, code in (("/nonexistent", "not_found"), (plain.name, "io"), ("/usr", "io"), ("/etc/passwd/x", "not_found")):
                report = spawner.run(path)
                self.assertEqual((report.kind, report.fields["code"]), ("failed", code), path)
                self.assertIn(path, report.fields["message"])
            report = spawner.run("/bin/true", folder="/nonexistent")
            self.assertEqual(report.fields["code"], "io")
            self.assertIn("/nonexistent", report.fields["message"])
            self.assertEqual(spawner.run("/bin/true").status, 0)

    def test_wishes_out_of_range_fail_alone(self):
        spawner = self.spawner()
        sleeper = spawner.start("/bin/sleep", "10000")
        for wrong in ({"timeout_ms": 0}, {"grace_ms": 3_600_000}, {"folder": "usr"}, {"output_head": 1 << 30}):
            report = spawner.run("/bin/true", **wrong)
            self.assertEqual((report.kind, report.fields["code"]), ("failed", "bad_request"), wrong)
        spawner.send({"do": "end", "id": sleeper})
        self.assertEqual(spawner.wait(sleeper).end, "killed")

    def test_an_id_is_for_one_child(self):
        spawner = self.spawner()
        sleeper = spawner.start("/bin/sleep", "10000")
        spawner.number -= 1
        self.assertEqual(spawner.run("/bin/true").fields["code"], "bad_request")
        spawner.send({"do": "end", "id": sleeper})
        self.assertEqual(spawner.wait(sleeper).end, "killed")


class Output(SpawnerCase):
    def test_a_flood_is_capped_and_counted(self):
        line, total = b"0123456789\n", 100_000_000
        report = self.spawner().run_shell(f"yes 0123456789 | head -c {total}", output_head=1000, output_tail=700)
        self.assertEqual(report.out.total, total)
        self.assertEqual(report.out.head, (line * 100)[:1000])
        self.assertEqual(report.out.tail, (line * (total // len(line) + 1))[total - 700:total])

    def test_two_floods_at_once(self):
        script = "head -c 20000000 /dev/zero & head -c 30000000 /dev/zero >&2; wait"
        report = self.spawner().run_shell(script)
        self.assertEqual((report.out.total, report.err.total), (20_000_000, 30_000_000))
        self.assertEqual(report.err.tail, bytes(4096))

    def test_what_was_written_last_is_not_lost(self):
        spawner = self.spawner()
        for _ in range(100):
            self.assertEqual(spawner.run_shell("echo first; echo last >&2").err.text, "last\n")

    def test_a_stream_that_closes_early(self):
        report = self.spawner().run_shell("exec >&-; sleep 0.2; echo late >&2")
        self.assertEqual((report.status, report.out.total, report.err.text), (0, 0, "late\n"))


class HowTreesEnd(SpawnerCase):
    def ended(self, spawner, number, end):
        """Its report, and that nothing was left when it came."""
        report = spawner.wait(number)
        self.assert_nothing_left(spawner.mark)
        self.assert_nothing_below(spawner.pid)
        self.assertEqual(report.end, end, report)
        return report

    def test_a_timeout(self):
        spawner = self.spawner()
        self.ended(spawner, spawner.start("/bin/sleep", "10000", timeout_ms=200), "timed_out")

    def test_on_request(self):
        spawner = self.spawner()
        number = spawner.start("/bin/sleep", "10000")
        spawner.wait_started(number)
        spawner.send({"do": "end", "id": number})
        self.ended(spawner, number, "killed")

    def test_a_request_right_behind_the_start(self):
        spawner = self.spawner()
        for _ in range(50):
            number = spawner.start("/bin/sleep", "10000")
            spawner.send({"do": "end", "id": number})
            self.ended(spawner, number, "killed")

    def test_it_may_clean_up_after_term(self):
        spawner = self.spawner()
        script = "trap 'echo cleaned; exit 0' TERM; echo ready; " + FOREVER
        number = spawner.shell(script, grace_ms=60_000)
        self.until_marked(spawner.mark, 2)
        spawner.send({"do": "end", "id": number})
        self.assertEqual(self.ended(spawner, number, "killed").out.text, "ready\ncleaned\n")

    def test_deaf_to_term(self):
        spawner = self.spawner()
        number = spawner.shell(IGNORE + "echo ready; " + FOREVER, live_output=True)
        spawner.wait_seen(number, b"ready")
        spawner.send({"do": "end", "id": number})
        self.assertEqual(self.ended(spawner, number, "killed").out.text, "ready\n")
        self.ended(spawner, spawner.shell(IGNORE + FOREVER, timeout_ms=300), "timed_out")

    def test_without_grace_it_is_killed_at_once(self):
        spawner = self.spawner()
        script = "trap 'echo cleaned; exit 0' TERM; echo ready; " + FOREVER
        number = spawner.shell(script, grace_ms=0)
        self.until_marked(spawner.mark, 2)
        spawner.send({"do": "end", "id": number})
        self.assertEqual(self.ended(spawner, number, "killed").out.text, "ready\n")

    def test_stopped_it_still_hears_term(self):
        spawner = self.spawner()
        script = "trap 'echo cleaned; exit 0' TERM; kill -STOP $$; " + FOREVER
        number = spawner.shell(script, grace_ms=60_000)
        pid = spawner.wait_started(number)
        until(lambda: ") T " in pathlib.Path(f"/proc/{pid}/stat").read_text(), "the stop")
        spawner.send({"do": "end", "id": number})
        self.assertEqual(self.ended(spawner, number, "killed").out.text, "cleaned\n")

    def test_grandchildren_that_left_the_group(self):
        spawner = self.spawner()
        script = f"setsid sh -c \"{IGNORE}{FOREVER}\" & setsid setsid sleep 10000 & " + FOREVER
        number = spawner.shell(script, timeout_ms=500)
        self.ended(spawner, number, "timed_out")

    def test_the_tree_ends_with_its_root(self):
        spawner = self.spawner()
        report = self.ended(spawner, spawner.shell("sleep 10000 & sleep 10000 & exit 5"), "exited")
        self.assertEqual(report.status, 5)

    def test_daemons(self):
        for temper in ("tame", "deaf"):
            with self.subTest(temper):
                spawner = self.spawner()
                script = f"{sys.executable} -c '{DAEMONIZE}' {temper}; {AWAIT_DAEMON}"
                number = spawner.shell(script, private_folder="TMPDIR")
                self.assertEqual(self.ended(spawner, number, "exited").out.text, "daemon\n")

    def test_a_daemon_whose_root_is_ended(self):
        spawner = self.spawner()
        number = spawner.shell(f"{sys.executable} -c '{DAEMONIZE}' deaf; echo root; " + FOREVER)
        self.until_marked(spawner.mark, 3)
        spawner.send({"do": "end", "id": number})
        self.ended(spawner, number, "killed")

    def test_another_subreaper_in_between(self):
        script = "import ctypes, os, time; ctypes.CDLL(None).prctl(36, 1)\nif os.fork(): os.wait(); time.sleep(10000)\n" \
                 "if os.fork(): os._exit(0)\nos.setsid(); time.sleep(10000)"
        spawner = self.spawner()
        self.ended(spawner, spawner.start(sys.executable, "-c", script, timeout_ms=1000), "timed_out")

    def test_a_holder_of_the_pipe_within(self):
        spawner = self.spawner()
        report = self.ended(spawner, spawner.shell("(trap '' TERM; sleep 10000) & echo done"), "exited")
        self.assertEqual(report.out.text, "done\n")

    def test_a_holder_of_the_pipe_outside(self):
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
            listener.bind(folder + "/socket")
            listener.listen()
            spawner = self.spawner()
            number = spawner.start(sys.executable, "-c", HAND_OVER, folder + "/socket")
            peer, _ = listener.accept()
            stolen = array.array("i")
            _, [(_, _, data)], _, _ = peer.recvmsg(1, socket.CMSG_SPACE(4))
            stolen.frombytes(data[:4])
            peer.close()
            report = self.ended(spawner, number, "exited")
            self.assertEqual(report.out.text, "before\n")
            with self.assertRaises(BrokenPipeError):
                os.write(stolen[0], b"after")
            os.close(stolen[0])

    def test_one_that_forks_away(self):
        spawner = self.spawner()
        script = IGNORE + "while :; do setsid sh -c 'trap \"\" TERM; sleep 10000' & sleep 0.01; done"
        self.ended(spawner, spawner.shell(script, timeout_ms=700, grace_ms=100), "timed_out")

    def test_one_does_not_end_with_another(self):
        spawner = self.spawner()
        other = spawner.shell("setsid sleep 10000 & " + FOREVER, mark=spawner.mark + "-other")
        self.until_marked(spawner.mark + "-other", 2)
        spawner.run("/bin/sleep", "10000", timeout_ms=100)
        spawner.run_shell("sleep 10000 & exit 0")
        self.assertGreaterEqual(len(marked(spawner.mark + "-other")), 2)
        spawner.send({"do": "end", "id": other})
        self.assertEqual(spawner.wait(other).end, "killed")
        self.assert_nothing_left(spawner.mark + "-other")

    def test_one_that_kills_its_guard(self):
        spawner = self.spawner()
        script = f"{sys.executable} -c '{DAEMONIZE}' deaf; {AWAIT_DAEMON}; kill -KILL $PPID; " + FOREVER
        report = self.ended(spawner, spawner.shell(script, private_folder="TMPDIR"), "signalled")
        self.assertEqual((report.status, report.out.text), (signal.SIGKILL, "daemon\n"))
        self.assertEqual(spawner.run("/bin/true").status, 0)


class Leases(SpawnerCase):
    def test_one_that_passes(self):
        spawner = self.spawner()
        script = "trap 'echo cleaned' TERM; echo ready; " + FOREVER
        report = spawner.run_shell(script, lease_until_ms=boot_ms() + 700, grace_ms=60_000)
        self.assert_nothing_left(spawner.mark)
        self.assertEqual((report.end, "cleaned" in report.out.text), ("killed", False))  # KILL at once: its right is over
        number = spawner.shell(script, lease_until_ms=boot_ms() + 3_600_000, grace_ms=60_000, live_output=True)
        spawner.wait_seen(number, b"ready")  # the trap is set
        spawner.send({"do": "renew", "id": number, "lease_until_ms": boot_ms() + 100})
        report = spawner.wait(number)
        self.assert_nothing_left(spawner.mark)
        self.assertEqual((report.end, report.out.text), ("killed", "ready\n"))

    def test_one_that_had_passed(self):
        spawner = self.spawner()
        self.assertEqual(spawner.run("/bin/sleep", "10000", lease_until_ms=1).end, "killed")
        self.assert_nothing_left(spawner.mark)

    def test_a_renewed_one(self):
        spawner = self.spawner()
        leased = request(1, ["/bin/sleep", "2"], spawner.mark, lease_until_ms=boot_ms() + 500)
        renewal = {"do": "renew", "id": 1, "lease_until_ms": boot_ms() + 3_600_000}
        spawner.near.sendall(b"".join(json.dumps(message).encode() + b"\n" for message in (leased, renewal)))  # read at once
        self.assertEqual(spawner.wait(1).end, "exited")

    def test_one_that_is_shortened(self):
        spawner = self.spawner()
        number = spawner.start("/bin/sleep", "10000", lease_until_ms=boot_ms() + 3_600_000)
        spawner.send({"do": "renew", "id": number, "lease_until_ms": boot_ms() + 100})
        self.assertEqual(spawner.wait(number).end, "killed")

    def test_it_passes_within_the_grace(self):
        spawner = self.spawner()
        number = spawner.shell(IGNORE + FOREVER, grace_ms=600_000, lease_until_ms=boot_ms() + 1500)
        spawner.send({"do": "end", "id": number})
        self.assertEqual(spawner.wait(number).end, "killed")


class TheProcess(SpawnerCase):
    def test_it_links_nothing_that_it_does_not_need(self):
        linked = subprocess.run(["ldd", HOST], capture_output=True, text=True, check=True).stdout
        self.assertIn("libcjson", linked)
        for name in ("uv", "curl", "ssh", "crypto", "ssl", "yaml", "microhttpd", "sqlite", "pq"):
            self.assertNotIn(f"lib{name}", linked)

    def test_fifty_at_once(self):
        spawner = self.spawner()
        numbers = [spawner.shell(f"sleep 0.5; echo {i}; exit {i}") for i in range(50)]
        for i, number in enumerate(numbers):
            report = spawner.wait(number)
            self.assertEqual((report.status, report.out.text), (i, f"{i}\n"))
        self.assert_nothing_below(spawner.pid)

    def test_neither_descriptors_nor_zombies_add_up(self):
        spawner = self.spawner(descriptors=40)  # one lost in each child would end this after a few
        for round_ in range(500):
            numbers = [spawner.start("/bin/true"), spawner.start("/bin/echo", "x", data=b"input"),
                       spawner.start("/nonexistent"), spawner.shell("sleep 10000 &", grace_ms=5 if round_ % 2 else 0)]
            kinds = [spawner.wait(number).kind for number in numbers]
            self.assertEqual(kinds, ["ended", "ended", "failed", "ended"], round_)
        self.assert_nothing_below(spawner.pid)

    def test_out_of_descriptors_it_fails_one_and_goes_on(self):
        spawner = self.spawner(descriptors=20)
        sleepers = [spawner.start("/bin/sleep", "10000") for _ in range(6)]
        for number in sleepers:
            spawner.send({"do": "end", "id": number})
        kinds = {spawner.wait(number).kind for number in sleepers}
        self.assertEqual(kinds, {"ended", "failed"})
        self.assertEqual(spawner.run("/bin/true").status, 0)

    def test_signals_to_all_do_not_end_it(self):
        spawner = self.spawner()
        self.assertEqual(spawner.run("/bin/true").status, 0)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
            os.kill(spawner.pid, number)
        self.assertEqual(spawner.run("/bin/true").status, 0)

    def test_nonsense_ends_it_with_its_children(self):
        for line in (b"{}\n", b"start\n", b"\xff\n", b'{"do":"end"}\n', b"x" * (5 << 20)):
            with self.subTest(line[:20]):
                spawner = self.spawner()
                spawner.wait_started(spawner.shell("setsid sleep 10000 & " + FOREVER))
                try:
                    spawner.near.sendall(line)
                except OSError:
                    pass  # it did not want to read all of that
                self.assertEqual(spawner.process.wait(PATIENCE), 65)
                self.assert_nothing_left(spawner.mark)

    def test_it_leaves_with_the_daemon_and_its_children_before(self):
        spawner = self.spawner()
        for _ in range(5):
            spawner.shell(IGNORE + "setsid sleep 10000 & " + FOREVER)
        self.until_marked(spawner.mark, 10)
        self.assertEqual(spawner.close(), 0)
        self.assert_nothing_left(spawner.mark)

    def test_killed_itself_it_leaves_no_child(self):
        spawner = self.spawner()
        for _ in range(5):
            spawner.shell(IGNORE + "setsid sleep 10000 & " + FOREVER)
        spawner.shell(f"{sys.executable} -c '{DAEMONIZE}' deaf; " + FOREVER)
        self.until_marked(spawner.mark, 12)
        spawner.process.kill()
        spawner.process.wait()
        self.until_nothing_left(spawner.mark)
