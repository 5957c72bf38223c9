"""`fairlead up --wait`: it returns when data is proven to cross, and its exit code tells whether it does."""
import json
import socket
import unittest

from fairlead_e2e import TunnelCase, free_port
from fairlead_e2e.relay import black_hole

FORBIDS_THE_PROBE = ("AllowTcpForwarding=remote", "PermitOpen=none")
ONE_ATTEMPT = {"max_attempts": 1, "backoff_initial": "100ms", "backoff_max": "100ms"}
LATER = {"backoff_initial": "10m", "backoff_max": "10m"}


class UpWait(TunnelCase):
    def start(self, server, **more):
        self.forward = self.remote(self.service())
        self.line = self.daemon(self.tunnel(server, self.forward, **{"autostart": False} | more))

    def start_where_nobody_answers(self):
        silent = socket.create_server(("127.0.0.1", free_port()))
        self.addCleanup(silent.close)
        black_hole(silent)
        self.start(self.sshd(), port=silent.getsockname()[1], connect_timeout="10m")

    def up(self, *arguments):
        """(exit code, stdout, stderr)"""
        command = self.command(self.line, "up", *arguments)
        return command.wait(), command.out, command.err

    def test_proven_is_exit_0(self):
        for more in ((), ("--require-proof",)):
            with self.subTest(more):
                self.start(self.sshd())
                code, out, _ = self.up("line", "--wait", *more)
                self.assertEqual((code, out), (0, "line: connected (proven by probe)\n"))
                self.exchange(self.forward["remote"])

    def test_what_is_up_already_is_what_was_waited_for(self):
        self.start(self.sshd())
        self.up("line", "--wait")
        self.assertEqual(self.up("line", "--wait", "--require-proof")[:2], (0, "line: connected (proven by probe)\n"))
        code, out, err = self.up("line")
        self.assertEqual((code, out), (2, ""))
        self.assertIn("already", err)

    def test_unproven_is_exit_0_and_a_warning(self):
        for option in FORBIDS_THE_PROBE:
            with self.subTest(option):
                self.start(self.sshd(option))
                code, out, err = self.up("line", "--wait")
                self.assertEqual((code, out), (0, "line: connected (unproven)\n"))
                self.assertRegex(err, r"(?m)^fairlead: warning: line is connected, but unproven: ")

    def test_unproven_is_exit_1_where_a_proof_is_required(self):
        for option in FORBIDS_THE_PROBE:
            with self.subTest(option):
                self.start(self.sshd(option))
                code, out, err = self.up("line", "--wait", "--require-proof")
                self.assertEqual((code, out), (1, ""))
                self.assertRegex(err, r"(?m)^fairlead: line is connected, but unproven: ")
                self.assertEqual(self.line.tunnel()["state"], "connected")  # it is left up

    def test_a_proof_by_traffic_satisfies_too(self):
        self.start(self.sshd(FORBIDS_THE_PROBE[0]))
        self.assertEqual(self.up("line", "--wait", "--require-proof")[0], 1)
        self.exchange(self.forward["remote"])
        self.line.wait_for(proof="traffic")
        self.assertEqual(self.up("line", "--wait", "--require-proof")[0], 0)

    def test_what_never_comes_up_is_exit_1_after_the_timeout(self):
        self.start_where_nobody_answers()
        code, out, err = self.up("line", "--wait=1s")
        self.assertEqual((code, out), (1, ""))
        self.assertRegex(err, r"(?m)^fairlead: line is not connected after 1s \(starting\)$")

    def test_the_timeout_tells_why_and_what_helps(self):
        self.start(self.sshd(), port=free_port(), autostart=True, reconnect=LATER)
        self.line.wait_for("reconnecting", reason="connect_refused")
        code, out, err = self.up("line", "--wait=1s", "--json")
        self.assertEqual(code, 1)
        answer = json.loads(out)
        self.assertEqual(answer["error"]["code"], "timed_out")
        self.assertEqual([result["outcome"] for result in answer["results"]], ["failed"])
        self.assertEqual(answer["results"][0]["tunnel"]["reason"], "connect_refused")
        self.assertIn("line is not connected after 1s (reconnecting): ", err)

    def test_changes_of_state_are_told_while_it_waits(self):
        server = self.sshd()
        server.stop()
        self.start(server)
        waiting = self.command(self.line, "up", "line", "--wait=10m")
        waiting.wait_until(lambda: "line: reconnecting: " in waiting.err, "the first change of state")
        server.start()
        self.assertEqual(waiting.wait(), 0)
        self.assertEqual(waiting.out, "line: connected (proven by probe)\n")

    def test_what_gives_up_is_exit_1_at_once(self):
        self.start(self.sshd(), port=free_port(), reconnect=ONE_ATTEMPT)
        code, _, err = self.up("line", "--wait=10m")
        self.assertEqual(code, 1)
        self.assertRegex(err, r"(?m)^fairlead: line failed: ")

    def test_what_is_taken_down_meanwhile_is_exit_1_at_once(self):
        self.start_where_nobody_answers()
        waiting = self.command(self.line, "up", "line", "--wait=10m")
        self.line.wait_for("starting")
        self.line.post("down")
        self.assertEqual(waiting.wait(), 1)
        self.assertIn("fairlead: line was taken down meanwhile\n", waiting.err)

    def test_a_daemon_that_dies_meanwhile_is_exit_69(self):
        self.start_where_nobody_answers()
        waiting = self.command(self.line, "up", "line", "--wait=10m")
        self.line.wait_for("starting")
        self.line.kill()
        self.assertEqual(waiting.wait(), 69)
        self.assertRegex(waiting.err, r"(?m)^fairlead: (no|the) daemon at ")

    def test_of_several_the_worst_decides_and_each_is_told(self):
        server = self.sshd()
        self.line = self.daemon({"good": self.tunnel(server, self.remote(self.service()), autostart=False),
                                 "bad": self.tunnel(server, self.remote(self.service()), autostart=False,
                                                    port=free_port(), reconnect=ONE_ATTEMPT)})
        code, out, err = self.up("--wait=10m")
        self.assertEqual((code, out), (1, "good: connected (proven by probe)\n"))
        self.assertIn("fairlead: bad failed: ", err)

    def test_require_proof_without_wait_is_a_usage_error(self):
        self.start(self.sshd())
        self.assertEqual(self.up("line", "--require-proof")[0], 64)
        self.assertEqual(self.line.tunnel()["state"], "stopped")


if __name__ == "__main__":
    unittest.main()
