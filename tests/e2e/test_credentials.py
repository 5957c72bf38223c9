"""The key that opens the line, and what is said of one that does not."""
import os
import pathlib
import subprocess
import time
import unittest

from fairlead_e2e import TunnelCase, libssh2_is_modern
from fairlead_e2e.sshd import keygen

PATIENT = {"backoff_initial": "100ms", "backoff_max": "10m"}


class Credentials(TunnelCase):
    def setUp(self):
        super().setUp()
        self.server = self.sshd()

    def start(self, library_leaks=False, **more):
        settings = {"reconnect": PATIENT} | more
        return self.daemon(self.tunnel(self.server, self.remote(self.service()), **settings), library_leaks=library_leaks)

    def new_key(self, *arguments, **more):
        key = keygen(self.path("key"), *arguments, **more)
        self.server.authorize(pathlib.Path(key + ".pub").read_text())
        return key

    def check_refused(self, daemon, reason, *words):
        line = daemon.wait_for("reconnecting", reason=reason)
        self.assertGreater(line["next_attempt_in_seconds"], 500)
        for word in words:
            self.assertIn(word, line["detail"])
        self.assertTrue(line["hint"])
        return line

    def test_a_refused_key_does_not_hammer(self):
        self.server.authorize("# nobody")
        daemon = self.start()
        attempts = self.check_refused(daemon, "auth_refused")["attempts"]  # 1, unless the server was too slow to refuse
        time.sleep(2)
        self.assertEqual(daemon.tunnel()["attempts"], attempts)
        self.assertEqual(self.server.log().count("Connection from"), attempts)

    def test_a_key_that_is_accepted_later_is_tried_when_the_operator_asks(self):
        self.server.authorize("# nobody")
        daemon = self.start()
        self.check_refused(daemon, "auth_refused")
        self.server.authorize(self.server.public_key())
        daemon.post("reconnect")
        daemon.wait_for("connected", proof="probe")

    def test_an_unknown_user_is_refused(self):
        self.check_refused(self.start(ssh_user="nobody-of-this-name"), "auth_refused")

    def test_every_common_kind_of_key_opens_the_line(self):
        kinds = [("ed25519",), ("ecdsa", "", ("-b", "256")), ("ecdsa", "", ("-b", "521")),
                 ("ecdsa", "", ("-b", "384", "-m", "PEM"))]
        for kind in kinds:
            with self.subTest(kind):
                # 1.10 loses two numbers of an ECDSA key at each connection.
                daemon = self.start(ssh_key=self.new_key(*kind), library_leaks=kind[0] == "ecdsa" and "deep")
                daemon.wait_for("connected", proof="probe")

    def test_an_rsa_key_works_or_says_why_not(self):
        for form in ((), ("-m", "PEM"), ("-m", "PKCS8")):
            with self.subTest(form):
                daemon = self.start(ssh_key=self.new_key("rsa", "", ("-b", "2048", *form)))
                if libssh2_is_modern():
                    daemon.wait_for("connected", proof="probe")
                else:  # it could sign with SHA-1 only (trap 8)
                    line = self.check_refused(daemon, "key_unsupported", "RSA")
                    self.assertIn("ed25519", line["hint"])
                    self.assertEqual([t["to"] for t in daemon.lines() if t.get("to") == "exchanging"], [])

    def test_a_passphrase_file_opens_an_encrypted_key(self):
        passphrase = self.path("passphrase")
        passphrase.write_text("correct horse\nand a second line\n")
        passphrase.chmod(0o600)
        key = self.new_key("ed25519", "correct horse")
        self.start(ssh_key=key, ssh_key_passphrase_file=str(passphrase)).wait_for("connected", proof="probe")

    def test_a_wrong_passphrase_is_named_and_never_logged(self):
        passphrase = self.path("passphrase")
        passphrase.write_text("wrong-horse-battery")
        passphrase.chmod(0o600)
        daemon = self.start(ssh_key=self.new_key("ed25519", "correct horse"), ssh_key_passphrase_file=str(passphrase))
        self.check_refused(daemon, "passphrase_wrong")
        self.assertNotIn("wrong-horse-battery", daemon.log_file.read_text())

    def test_a_missing_passphrase_is_named(self):
        key = self.new_key("ed25519", "correct horse")
        self.check_refused(self.start(ssh_key=key), "passphrase_wrong", "ssh_key_passphrase_file")
        self.check_refused(self.start(ssh_key=key, ssh_key_passphrase_file=str(self.folder / "none")),
                           "passphrase_wrong", "none")

    def test_a_missing_key_is_unreadable(self):
        self.check_refused(self.start(ssh_key=str(self.folder / "none")), "key_unreadable", "none")

    def test_a_key_that_others_can_read_is_refused(self):
        key = self.new_key()
        os.chmod(key, 0o644)
        self.check_refused(self.start(ssh_key=key), "key_unreadable", "chmod 600")

    @unittest.skipIf(os.geteuid() == 0, "root may read everything")
    def test_a_key_that_we_may_not_read_is_unreadable(self):
        key = self.new_key()
        os.chmod(key, 0)
        self.check_refused(self.start(ssh_key=key), "key_unreadable")

    def test_what_is_no_private_key_is_named(self):
        key = self.new_key()
        os.chmod(key + ".pub", 0o600)
        self.check_refused(self.start(ssh_key=key + ".pub"), "key_unsupported", "public half")
        rubbish = self.path("rubbish")
        rubbish.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n")
        os.chmod(rubbish, 0o600)
        self.check_refused(self.start(ssh_key=str(rubbish)), "key_unsupported")

    def test_a_key_is_read_anew_at_each_attempt(self):
        key = self.path("key")
        daemon = self.start(ssh_key=str(key), reconnect={"backoff_initial": "1s", "backoff_max": "1s"})
        daemon.wait_transition("reconnecting", "key_unreadable")
        made = keygen(self.folder / "made")
        self.server.authorize(pathlib.Path(made + ".pub").read_text())
        subprocess.run(["mv", made, str(key)], check=True)
        daemon.wait_for("connected", proof="probe")


if __name__ == "__main__":
    unittest.main()
