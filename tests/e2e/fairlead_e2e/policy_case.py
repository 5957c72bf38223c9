"""A daemon with hook files of the test's own."""
from .case import QUICK, TunnelCase
from .platform import SOURCE, until
from .ports import free_port


class PolicyCase(TunnelCase):
    def with_hooks(self, tunnels, hooks, allow=None, deadline="10s"):
        """A daemon with these hook files: name to text. The deadline is the longest there is."""
        self.hooks = self.path("hooks")
        (self.hooks / "tests").mkdir(parents=True)
        for name, text in hooks.items():
            self.write(name, text)
        self.policy = {"policy": {"dir": str(self.hooks), "deadline": deadline, "allow": allow or {}}}
        return self.daemon(tunnels, self.policy)

    def write(self, name, text):
        (self.hooks / name).write_text("api(1)\n" + text if "/" not in name else text)

    def nowhere(self, **more):
        """A tunnel whose server does not answer: it asks `reconnect` after each attempt."""
        key = self.path("key")
        key.touch(0o600)
        key.write_bytes((SOURCE / "tests" / "fixtures" / "keys" / "ed25519").read_bytes())
        return {"host": "127.0.0.1", "port": free_port(), "ssh_user": "nobody", "reconnect": QUICK, "ssh_key": str(key),
                "known_hosts": str(self.path("known_hosts")), "forwards": [self.remote(free_port())]} | more

    def wait_for_log(self, daemon, text):
        until(lambda: text in daemon.log_file.read_text(), lambda: text + "\n" + daemon.tail())
