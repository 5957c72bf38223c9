"""Opens wait in line (trap 3): one whose target never answers must not keep the others waiting for ever.

In a file of its own because it is slow: libssh2 1.10 gives an open up after 60 s, 1.11.1 after the 15 s we ask for.
"""
import unittest

from fairlead_e2e import TunnelCase, until
from fairlead_e2e.relay import black_hole


class BlackHoledTarget(TunnelCase):
    def test_neighbours_are_served_again_and_the_line_stays(self):
        hole = self.service()
        dead, echo = self.local(hole), self.local(self.service())
        line = self.daemon(self.tunnel(self.sshd(), dead, echo))
        line.wait_for("connected", proof="probe")
        mark = line.mark()
        black_hole(hole.listener)  # its SYNs are dropped from now on, so the server's connect() hangs
        stuck = self.connect(dead["local"])
        with self.assertRaises(ConnectionResetError):
            stuck.recv(1)
        until(lambda: self.try_exchange(echo["local"]), lambda: "a neighbour to be served\n" + line.tail(), 180)
        self.assertEqual(line.transitions(mark), [])
        self.exchange(echo["local"])


if __name__ == "__main__":
    unittest.main()
