"""Whom we talk to: the host key is checked before any credential leaves, and a changed one is never accepted."""
import pathlib
import subprocess
import unittest

from fairlead_e2e import TunnelCase

PATIENT = {"backoff_initial": "100ms", "backoff_max": "10m"}  # who must not hammer waits nearly ten minutes


class HostKeys(TunnelCase):
    def start(self, server, **more):
        self.forward = self.remote(self.service())
        return self.daemon(self.tunnel(server, self.forward, reconnect=PATIENT, **more))

    def known_hosts(self, text):
        path = self.path("known_hosts")
        path.write_text(text)
        return str(path)

    def check_refused(self, server, daemon, reason):
        line = daemon.wait_for("reconnecting", reason=reason)
        self.assertGreater(line["next_attempt_in_seconds"], 500)  # waits the maximum, less its jitter
        # An attempt before it may have found the server too slow; none comes after it.
        lost = [entry["reason"] for entry in daemon.transitions() if entry["to"] == "reconnecting"]
        self.assertEqual((line["attempts"], lost.index(reason)), (len(lost), len(lost) - 1))
        self.assertTrue(line["hint"])
        self.assertNotIn("Accepted publickey", server.log())
        self.assertNotIn("authenticating", [entry.get("to") for entry in daemon.lines()])  # no credential has left
        return line

    def test_an_unknown_key_is_refused_with_its_fingerprint(self):
        server = self.sshd()
        daemon = self.start(server, known_hosts=self.known_hosts(""))
        line = self.check_refused(server, daemon, "host_key_unknown")
        fingerprint = subprocess.run(["ssh-keygen", "-l", "-f", str(server.folder / "host_ed25519.pub")],
                                     capture_output=True, text=True, check=True).stdout.split()[1]
        self.assertIn(fingerprint, line["detail"])

    def test_a_missing_known_hosts_knows_nobody(self):
        server = self.sshd()
        self.check_refused(server, self.start(server, known_hosts=str(self.folder / "none")), "host_key_unknown")

    def test_accept_new_records_the_key_and_strict_then_knows_it(self):
        server, path = self.sshd(), self.known_hosts("# kept\nother.example ssh-ed25519 AAAA")  # no newline at its end
        self.start(server, known_hosts=path, host_key="accept-new").wait_for("connected", proof="probe")
        text = pathlib.Path(path).read_text()
        self.assertEqual(text.splitlines()[1:], ["other.example ssh-ed25519 AAAA",
                                                 f"[127.0.0.1]:{server.port} {server.public_host_key()}"])
        self.assertTrue(text.startswith("# kept\n"))
        self.start(server, known_hosts=path).wait_for("connected", proof="probe")

    def test_accept_new_records_a_key_once(self):
        server, path = self.sshd(), str(self.folder / "new" / "known_hosts")
        daemon = self.start(server, known_hosts=path, host_key="accept-new")
        daemon.wait_for("connected", proof="probe")
        daemon.post("reconnect")
        daemon.wait_for("connected", proof="probe", reconnects=1)
        self.assertEqual(len(pathlib.Path(path).read_text().splitlines()), 1)

    def test_a_changed_key_is_refused_even_with_accept_new(self):
        server, other = self.sshd(), self.sshd()
        path = self.known_hosts(f"[127.0.0.1]:{server.port} {other.public_host_key()}\n")
        before = pathlib.Path(path).read_text()
        daemon = self.start(server, known_hosts=path, host_key="accept-new")
        self.check_refused(server, daemon, "host_key_changed")
        self.assertEqual(pathlib.Path(path).read_text(), before)

    def test_a_key_that_changes_while_the_line_is_up_is_refused_at_the_next_connection(self):
        server = self.sshd()
        known = self.known_hosts(pathlib.Path(server.known_hosts).read_text())
        daemon = self.start(server, known_hosts=known)
        daemon.wait_for("connected", proof="probe")
        server.stop()
        for half in ("host_ed25519", "host_ed25519.pub"):
            (server.folder / half).unlink()
        server.start()  # with a new key
        daemon.post("reconnect")
        line = daemon.wait_for("reconnecting", reason="host_key_changed")
        self.assertGreater(line["next_attempt_in_seconds"], 500)
        pathlib.Path(known).write_text(pathlib.Path(server.known_hosts).read_text())  # the operator has looked
        daemon.post("reconnect")
        daemon.wait_for("connected", proof="probe")

    def test_a_revoked_key_is_refused_though_another_line_trusts_it(self):
        server = self.sshd()
        entry = f"[127.0.0.1]:{server.port} {server.public_host_key()}\n"
        daemon = self.start(server, known_hosts=self.known_hosts(entry + "@revoked " + entry))
        self.check_refused(server, daemon, "host_key_revoked")

    def test_the_port_belongs_to_the_name(self):
        server = self.sshd()
        daemon = self.start(server, known_hosts=self.known_hosts(f"[127.0.0.1]:1 {server.public_host_key()}\n"))
        self.check_refused(server, daemon, "host_key_unknown")

    def test_a_key_of_the_bare_name_will_do_where_no_line_names_the_port(self):  # as with ssh
        server = self.sshd()
        path = self.known_hosts(f"127.0.0.1 {server.public_host_key()}\n")
        self.start(server, known_hosts=path).wait_for("connected", proof="probe")

    def test_a_hashed_name_is_found(self):
        server = self.sshd()
        path = self.known_hosts(f"[127.0.0.1]:{server.port} {server.public_host_key()}\n")
        subprocess.run(["ssh-keygen", "-q", "-H", "-f", path], check=True, capture_output=True)
        self.assertNotIn("127.0.0.1", pathlib.Path(path).read_text())
        self.start(server, known_hosts=path).wait_for("connected", proof="probe")

    # Trap 9: without asking for the recorded type, a server with several keys shows another one, which looks changed.
    def test_any_one_recorded_key_of_a_server_with_several_is_enough(self):
        server = self.sshd(host_keys=("ed25519", "ecdsa"))
        for key_type, algorithm in (("ed25519", "ssh-ed25519"), ("ecdsa", "ecdsa-sha2-nistp256")):
            with self.subTest(key_type):
                path = self.known_hosts(f"[127.0.0.1]:{server.port} {server.public_host_key(key_type)}\n")
                line = self.start(server, known_hosts=path).wait_for("connected", proof="probe")
                self.assertTrue(line["host_key_fingerprint"].startswith(algorithm + " "), line["host_key_fingerprint"])


if __name__ == "__main__":
    unittest.main()
