"""A throw-away sshd (scripts/dev-sshd) and what can be done to it."""
import os
import pathlib
import shutil
import signal
import subprocess

from .platform import PATIENCE, SOURCE, children_of, until
from .ports import free_port


def unpacked_tree():
    answer = subprocess.run([str(SOURCE / "scripts" / "sshd-unpack")], capture_output=True, text=True, check=True)
    return pathlib.Path(answer.stdout.strip())


def keygen(path, key_type="ed25519", passphrase="", more=()):
    subprocess.run(["ssh-keygen", "-q", "-t", key_type, "-N", passphrase, "-C", "test", "-f", str(path), *more],
                   check=True, stdin=subprocess.DEVNULL)
    return str(path)


class Sshd:
    """Starts at once. The folder keeps its keys and port, so that a restarted server is the same server."""

    def __init__(self, folder, *options, host_keys=(), port=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.port = port or free_port()
        self.options, self.host_keys = list(options), host_keys
        # Since 9.8 a server punishes who fails; a test that must fail often says so itself.
        self.punishes = (unpacked_tree() / "usr/lib/openssh/sshd-session").exists()
        self.process = None
        self.start()

    def start(self, *more_options):
        command = [str(SOURCE / "scripts" / "dev-sshd"), str(self.folder), "--port", str(self.port)]
        for key_type in self.host_keys:
            command += ["--host-key", key_type]
        options = self.options + list(more_options)
        if self.punishes and not any(option.startswith("PerSourcePenalties") for option in options):
            options.append("PerSourcePenalties=no")
        for option in options:
            command += ["-o", option]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                                        start_new_session=True)
        line = self.process.stdout.readline()
        if not line.startswith("ready "):
            raise AssertionError("dev-sshd did not start")
        facts = dict(word.split("=", 1) for word in line.split()[1:])
        self.user, self.key, self.known_hosts = facts["user"], facts["key"], facts["known_hosts"]

    def stop(self):
        """The listener and every session end; connections are cut."""
        if self.process is None:
            return
        self.thaw()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)
        self.process.stdout.close()
        self.process = None

    def listener_pid(self):
        return int((self.folder / "sshd.pid").read_text())

    def sessions(self):
        """Pids of all session processes, however deep (OpenSSH 10: listener, [priv], session: trap 18)."""
        return children_of(self.listener_pid())

    def wait_for_session(self):
        return until(self.sessions, "a session process of sshd")

    @staticmethod
    def kill(pids, number=signal.SIGKILL):
        for pid in reversed(pids):  # deepest first
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def kill_sessions(self):
        self.kill(self.wait_for_session())

    def freeze(self):
        """The sessions stop answering; the kernel still acknowledges for them."""
        self.kill(self.wait_for_session(), signal.SIGSTOP)

    def thaw(self):
        try:
            self.kill(self.sessions(), signal.SIGCONT)
        except (OSError, ValueError):
            pass  # the server is gone

    def log(self):
        return (self.folder / "sshd.log").read_text(errors="replace")

    def public_host_key(self, key_type="ed25519"):
        return " ".join((self.folder / f"host_{key_type}.pub").read_text().split()[:2])

    def known_hosts_for(self, path, port, *key_types):
        """Writes a known_hosts file that names this server at another port of ours (a relay's)."""
        lines = [f"[127.0.0.1]:{port} {self.public_host_key(key_type)}\n" for key_type in key_types or ("ed25519",)]
        pathlib.Path(path).write_text("".join(lines))
        return str(path)

    def authorize(self, line):
        (self.folder / "authorized_keys").write_text(line.rstrip("\n") + "\n")

    def public_key(self):
        return (self.folder / "id_ed25519.pub").read_text().strip()

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
