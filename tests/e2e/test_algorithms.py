"""What we offer a server, seen on the wire, and what we say to one that offers nothing good."""
import struct
import time
import unittest

from fairlead_e2e import TunnelCase, libssh2_is_modern, until

KINDS = ("kex", "host_key", "cipher_up", "cipher_down", "mac_up", "mac_down", "compression_up", "compression_down")


def offer_of(first_bytes):
    """The name lists of a client's SSH_MSG_KEXINIT (RFC 4253 section 7.1), which follows its banner unencrypted."""
    rest = first_bytes[first_bytes.index(b"\n") + 1:]
    rest = rest[4 + 1 + 1 + 16:]  # packet length, padding length, message number, cookie
    offer = {}
    for kind in KINDS:
        (length,) = struct.unpack(">I", rest[:4])
        offer[kind] = rest[4:4 + length].decode().split(",")
        rest = rest[4 + length:]
    return offer


class Algorithms(TunnelCase):
    def start(self, *options, **more):
        self.server = self.sshd(*options)
        self.forward = self.remote(self.service())
        return self.daemon(self.tunnel(self.server, self.forward, **more))

    def offer(self):
        server = self.sshd()
        relay = self.relay(server)
        self.daemon(self.tunnel(server, self.remote(self.service()), relay=relay)).wait_for("connected")
        return offer_of(relay.first_bytes)

    def test_only_strong_algorithms_are_offered(self):
        offer = self.offer()
        for name in offer["kex"]:
            self.assertRegex(name, r"^(curve25519-sha256(@libssh\.org)?|ext-info-c|kex-strict-c-v00@openssh\.com)$")
        for name in offer["host_key"]:
            self.assertRegex(name, r"^(ssh-ed25519|ecdsa-sha2-nistp(256|384|521)|rsa-sha2-(256|512))$")
        for name in offer["cipher_up"]:
            self.assertRegex(name, r"^aes(128|192|256)-(ctr|gcm@openssh\.com)$")
        for name in offer["mac_up"]:
            self.assertRegex(name, r"^hmac-sha2-(256|512)(-etm@openssh\.com)?$")
        self.assertEqual(offer["compression_up"], ["none"])

    # Trap 16: 1.11.1 looks at the flags of the wrong direction.
    def test_both_directions_are_offered_the_same(self):
        offer = self.offer()
        self.assertEqual(offer["cipher_up"], offer["cipher_down"])
        self.assertEqual(offer["mac_up"], offer["mac_down"])

    # Trap 17.
    def test_the_first_choice_follows_the_library(self):
        offer = self.offer()
        if libssh2_is_modern():
            self.assertEqual(offer["cipher_up"][0], "aes128-gcm@openssh.com")
            self.assertIn("kex-strict-c-v00@openssh.com", offer["kex"])
            self.assertIn("rsa-sha2-512", offer["host_key"])
        else:
            self.assertEqual(offer["cipher_up"][0], "aes128-ctr")
            self.assertNotIn("rsa-sha2-512", offer["host_key"])

    # Trap 15: 1.11.1 spins on one bad tag of it.
    def test_chacha20_is_never_agreed_upon(self):
        daemon = self.start("Ciphers=chacha20-poly1305@openssh.com")
        daemon.wait_transition("reconnecting", "no_common_algorithm")
        until(lambda: "no matching cipher" in self.server.log(), "the server's view of it")

    def test_a_server_with_nothing_good_is_not_hammered(self):
        daemon = self.start("KexAlgorithms=ecdh-sha2-nistp256,diffie-hellman-group14-sha256",
                            reconnect={"backoff_initial": "100ms", "backoff_max": "10m"})
        line = daemon.wait_for("reconnecting", reason="no_common_algorithm")
        self.assertGreater(line["next_attempt_in_seconds"], 500)

    def test_every_cipher_and_mac_we_offer_carries_bytes(self):
        offer = self.offer()
        for cipher in offer["cipher_up"]:
            macs = ["hmac-sha2-256"] if "gcm" in cipher else offer["mac_up"]
            for mac in macs if cipher == "aes128-ctr" else macs[:1]:
                with self.subTest(f"{cipher} {mac}"):
                    daemon = self.start(f"Ciphers={cipher}", f"MACs={mac}")
                    line = daemon.wait_for("connected", proof="probe")
                    self.assertIn(cipher, line["algorithms"])
                    self.exchange(self.forward["remote"], b"x" * 300_000)

    # Trap 10: a reply could never be taken out again and would answer the next request to listen.
    def test_keepalives_ask_for_no_reply(self):
        daemon = self.start("LogLevel=DEBUG1", keepalive={"interval": "2s"})
        daemon.wait_for("connected", proof="probe")
        until(lambda: self.server.log().count("rtype keepalive@libssh2.org") >= 2, "two keepalives")
        log = self.server.log()  # it grows
        whole = log[:log.rindex("\n")]
        self.assertEqual(whole.count("rtype keepalive@libssh2.org want_reply 0"), whole.count("rtype keepalive@libssh2.org"))

    def test_an_idle_line_costs_next_to_nothing(self):
        daemon = self.start()
        daemon.wait_for("connected", proof="probe")
        turns, began = daemon.get("/v1/status")["daemon"]["loop_turns"], time.monotonic()
        time.sleep(5)
        spent = daemon.get("/v1/status")["daemon"]["loop_turns"] - turns
        self.assertLess(spent / (time.monotonic() - began), 50)  # a loop that spins makes many thousands


if __name__ == "__main__":
    unittest.main()
