"""What only a build without sanitizers can run with: an address-space limit on the daemon, and a preloaded library."""
import pathlib
import resource
import shutil
import subprocess
import threading
import unittest

from fairlead_e2e import FAIRLEAD, TunnelCase, until
from fairlead_e2e.daemon import Daemon
from fairlead_e2e.platform import PATIENCE
from fairlead_e2e.services import pattern, stalled

TUNNELS = 8
ROOM = 64 << 20     # what the daemon may grow by once its tunnels are up
OFFERED = 64 << 20  # what each of the stalled connections would take from it

STUCK_NAMES = r"""
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

typedef int (*LookUp)(const char*, const char*, const struct addrinfo*, struct addrinfo**);

extern "C" int getaddrinfo(const char* host, const char* service, const struct addrinfo* hints,
                           struct addrinfo** list) {
  while (host != nullptr && strcmp(host, "stuck.test") == 0) pause();
  return reinterpret_cast<LookUp>(dlsym(RTLD_NEXT, "getaddrinfo"))(host, service, hints, list);
}
"""


class AddressSpace(TunnelCase):
    def size(self):
        status = pathlib.Path(f"/proc/{self.line.pid}/status").read_text()
        return next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmSize:"))

    def offer(self, port):
        """Somebody who sends more than anybody takes, in a thread of its own."""
        sock = self.connect(port)
        sock.settimeout(None)
        sent = [0]

        def send():
            block = bytes(1 << 16)
            try:
                while sent[0] < OFFERED:
                    sent[0] += sock.send(block)
            except OSError:
                pass  # the test is over

        threading.Thread(target=send, daemon=True).start()
        return sent

    def until_stalled(self, counters):
        """All of them stand still, none has got rid of everything."""
        seen = {"sums": []}

        def met():
            seen["sums"] = seen["sums"][-30:] + [sum(counter[0] for counter in counters)]
            return len(seen["sums"]) > 30 and seen["sums"][0] == seen["sums"][-1]

        until(met, "senders to stall", pause=0.05)
        for counter in counters:
            self.assertLess(counter[0], OFFERED)

    def test_stalled_consumers_and_large_requests_cost_no_more_than_their_share(self):
        server, echo, mute = self.sshd(), self.service(), self.service(stalled)
        remote, local = [], []
        tunnels = {}
        for number in range(TUNNELS):
            to_echo, to_mute, from_here = self.remote(echo), self.remote(mute), self.local(mute)
            tunnels[f"line{number}"] = self.tunnel(server, to_echo, to_mute, from_here)
            remote.append((to_echo["remote"], to_mute["remote"]))
            local.append(from_here["local"])
        self.line = self.daemon(tunnels)
        self.assertTrue(self.line.is_plain())
        for name in tunnels:
            self.line.wait_for("connected", name)
        limit = self.size() + ROOM
        resource.prlimit(self.line.pid, resource.RLIMIT_AS, (limit, limit))

        counters = [self.offer(mute_port) for _, mute_port in remote] + [self.offer(port) for port in local]
        self.until_stalled(counters)
        for _ in range(40):
            status, _ = self.line.request("PUT", "/v1/log-level", {"level": "x" * (1 << 19)})
            self.assertEqual(status, 400)
        self.assertEqual(self.line.request("POST", "/v1/reload")[0], 200)
        for echo_port, _ in remote:
            self.exchange(echo_port, pattern(2 << 20, echo_port))
        self.assertLessEqual(self.size(), limit)
        for name in tunnels:
            self.assertEqual(self.line.tunnel(name)["state"], "connected")
            self.assertEqual(self.line.tunnel(name)["reconnects"], 0)


class StuckNames(TunnelCase):
    """A name server that never answers: look-ups that nobody can call back."""

    def preload(self):
        compiler = shutil.which("c++") or shutil.which("g++")
        if compiler is None:
            self.skipTest("no compiler")
        source, library = self.path("stuck.cpp"), self.path("stuck.so")
        source.write_text(STUCK_NAMES)
        subprocess.run([compiler, "-x", "c++", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
        return library

    def test_the_daemon_does_its_other_work_and_ends_on_time(self):
        library = self.preload()

        class Preloaded(Daemon):
            def launch(self, command, environment):
                return super().launch(command, environment | {"LD_PRELOAD": str(library)})

        server, forward = self.sshd(), self.remote(self.service())
        tunnels = {f"stuck{number}": self.tunnel(server, self.remote(forward["to"]), host="stuck.test",
                                                 connect_timeout="1s") for number in range(8)}
        tunnels["line"] = self.tunnel(server, forward)
        running = Preloaded(self.path("daemon"), tunnels)
        self.addCleanup(running.kill)
        for name in tunnels:
            if name != "line":
                running.wait_transition("reconnecting", "name_not_resolved", name=name)
        running.wait_for("connected")  # its key is read in the pool
        self.exchange(forward["remote"])
        self.assertEqual(running.request("POST", "/v1/reload")[0], 200)  # so is the configuration
        running.post("down")
        audit = running.folder / "state/audit/audit.jsonl"
        until(lambda: '"bridge_stopped"' in audit.read_text(), "the audit line", PATIENCE)
        mark = running.mark()
        running.stop()  # checks the exit code
        self.assertIn("lookups_left", [line.get("event") for line in running.lines(mark)])
        verified = subprocess.run([FAIRLEAD, "--config", str(running.config_file), "audit", "verify"],
                                  capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(verified.returncode, 0, verified.stdout)


if __name__ == "__main__":
    unittest.main()
