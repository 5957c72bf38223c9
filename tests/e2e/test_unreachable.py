"""Servers that cannot be reached: each failure has its own name, and each attempt looks anew."""
import os
import socket
import subprocess
import unittest

from fairlead_e2e import FAIRLEAD, TunnelCase, free_port, until
from fairlead_e2e.relay import black_hole


def can_have_own_hosts_file():
    return os.geteuid() == 0 and subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0


class Unreachable(TunnelCase):
    def start(self, server, service=None, **more):
        self.forward = self.remote(service or self.service())
        return self.daemon(self.tunnel(server, self.forward, **more))

    def test_nothing_listens(self):
        server = self.sshd()
        server.stop()
        daemon = self.start(server)
        daemon.wait_transition("reconnecting", "connect_refused")
        server.start()
        daemon.wait_for("connected", proof="probe")
        self.exchange(self.forward["remote"])

    def test_a_host_that_never_answers_is_a_connect_timeout(self):
        silent = socket.create_server(("127.0.0.1", free_port()))
        self.addCleanup(silent.close)
        black_hole(silent)  # its SYNs are dropped
        daemon = self.start(self.sshd(), port=silent.getsockname()[1], connect_timeout="1s")
        daemon.wait_transition("reconnecting", "connect_timeout")
        self.assertNotIn("exchanging", [line.get("to") for line in daemon.lines()])

    def test_hosts_that_never_answer_do_not_hold_up_the_others(self):
        silent = socket.create_server(("127.0.0.1", free_port()))
        self.addCleanup(silent.close)
        black_hole(silent)
        server, echo = self.sshd(), self.service()
        dead = {f"dead{i:02}": self.tunnel(server, self.remote(echo), port=silent.getsockname()[1], connect_timeout="10m")
                for i in range(40)}
        daemon = self.daemon(dead | {"well": self.tunnel(server, self.remote(echo))})
        daemon.wait_for("connected", "well", proof="probe")
        for name in dead:  # the places were not free because of their timeouts
            self.assertEqual([t["to"] for t in daemon.transitions(name=name)], ["starting"])

    def test_a_server_that_accepts_and_says_nothing_is_a_connect_timeout(self):
        mute = self.service(lambda connection: [None for _ in iter(connection.recv, b"")])
        daemon = self.start(self.sshd(), port=mute.port, connect_timeout="1s")
        # On a machine that stands still for a second, one attempt or the other does not come so far.
        until(lambda: any(lost["reason"] == "connect_timeout" and "handshake" in lost["detail"] for lost in daemon.transitions()),
              lambda: "a handshake that takes too long\n" + daemon.tail())

    def test_a_service_that_is_no_ssh_server_fails_the_handshake(self):
        for banner in (b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00" * 4096, b"SSH-1.5-old\r\n"):
            with self.subTest(banner[:8]):
                web = self.service(lambda connection, banner=banner: connection.sock.sendall(banner))
                daemon = self.start(self.sshd(), port=web.port, connect_timeout="60s")
                lost = daemon.wait_transition("reconnecting")
                self.assertEqual(lost["reason"], "handshake_failed")

    def test_a_server_that_hangs_up_fails_the_handshake(self):
        daemon = self.start(self.sshd(), port=self.service(lambda connection: None).port)
        daemon.wait_transition("reconnecting", "handshake_failed")

    def test_a_name_that_does_not_exist_is_not_resolved(self):
        daemon = self.start(self.sshd(), host="no-such-host.invalid", connect_timeout="5s")
        daemon.wait_transition("reconnecting", "name_not_resolved")

    def test_a_name_is_resolved(self):
        server = self.sshd()
        self.start(server, host="localhost").wait_for("connected", proof="probe")

    @unittest.skipUnless(can_have_own_hosts_file(), "needs a mount namespace")
    def test_a_name_is_resolved_anew_at_each_attempt(self):
        server = self.sshd()
        hosts = self.path("hosts")
        hosts.write_text("127.0.0.2 moving.example\n")  # nothing listens there
        known = self.path("known_hosts")
        known.write_text(f"[moving.example]:{server.port} {server.public_host_key()}\n")
        wrapper = self.path("fairlead-with-hosts")
        wrapper.write_text(f'#!/bin/sh\nexec unshare --mount sh -c \'mount --bind {hosts} /etc/hosts && exec "$@"\' '
                           f'sh {FAIRLEAD} "$@"\n')
        wrapper.chmod(0o755)
        config = self.tunnel(server, self.remote(self.service()), host="moving.example", known_hosts=str(known))
        daemon = self.daemon(config, binary=str(wrapper))
        daemon.wait_transition("reconnecting", "connect_refused")
        hosts.write_text("127.0.0.1 moving.example\n")
        daemon.wait_for("connected", proof="probe")


if __name__ == "__main__":
    unittest.main()
