"""The tunnels that are compared. Each forwards ports of the one throw-away sshd to the one service here, with the
same key, the same known_hosts and a keepalive every 4 s, and otherwise as it comes: no file of the machine is read.
"""
import itertools
import time

import scene as scenes

BACKOFF_MS = 100  # the least that fairlead takes; its first wait after a loss is exactly this


class Peer:
    """start() returns the moment before the first process was started (CLOCK_MONOTONIC, ns)."""
    name = ""

    def __init__(self, scene, service_port):
        self.scene = scene
        self.service_port = service_port
        self.group = []

    def pids(self):
        return [process.pid for process in self.group]

    def stop(self):
        self.scene.stop(self.group)
        self.group = []

    def check(self):
        for process in self.group:
            if process.poll() is not None:
                raise scenes.Trouble(f"{self.name} ended (exit code {process.returncode}):\n{process.log.read_text()[-2000:]}")


class Ssh(Peer):
    """`ssh -N -R`, one process a tunnel, with the ciphers that it prefers by itself."""
    name = "ssh"
    options = ()

    def arguments(self, port):
        folder = self.scene.folder / "sshd"
        chosen = {
            "BatchMode": "yes", "IdentitiesOnly": "yes", "IdentityAgent": "none", "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": folder / "known_hosts", "GlobalKnownHostsFile": "/dev/null",
            "ExitOnForwardFailure": "yes", "ServerAliveInterval": 4, "ServerAliveCountMax": 3,
        }
        words = ["-F", "none", "-N", "-T", "-i", folder / "id_ed25519", "-p", self.scene.sshd_port]
        for key, value in chosen.items():
            words += ["-o", f"{key}={value}"]
        target = f"127.0.0.1:{self.service_port}"
        return [*words, *self.options, "-R", f"127.0.0.1:{port}:{target}", f"{self.scene.user}@127.0.0.1"]

    def command(self, port):
        return ["ssh", *self.arguments(port)]

    def start(self, ports):
        began = time.monotonic_ns()
        for port in ports:
            self.group.append(self.scene.start(self.name.replace(" ", "-"), self.command(port)))
        return began


class SshGcm(Ssh):
    name = "ssh aes128-gcm"
    options = ("-c", "aes128-gcm@openssh.com")


class Autossh(Ssh):
    """autossh around the same ssh; without its monitoring ports (ssh's own keepalives are the advice of its manual)
    and with AUTOSSH_GATETIME=0, so that it starts ssh again at once also in the first 30 s."""
    name = "autossh"

    def command(self, port):
        return ["env", "AUTOSSH_GATETIME=0", "autossh", "-M", "0", *self.arguments(port)]


class Fairlead(Peer):
    """One daemon for all tunnels; every port is a tunnel, and so a connection, of its own."""
    name = "fairlead"
    numbers = itertools.count(1)
    home = None

    def write_config(self, ports, autostart):
        self.home = self.scene.folder / f"fairlead-{next(self.numbers)}"
        self.home.mkdir()
        folder = self.scene.folder / "sshd"
        lines = ["version: 1", f"state_dir: {self.home}/state", f"runtime_dir: {self.home}/run"]
        lines.append("tunnels:" if ports else "tunnels: {}")
        for port in ports:
            lines += [
                f"  t{port}:", "    host: 127.0.0.1", f"    port: {self.scene.sshd_port}", f"    ssh_user: {self.scene.user}",
                f"    ssh_key: {folder}/id_ed25519", f"    known_hosts: {folder}/known_hosts",
                f"    autostart: {str(autostart).lower()}", "    keepalive: { interval: 4s }",
                f"    reconnect: {{ backoff_initial: {BACKOFF_MS}ms, backoff_max: {BACKOFF_MS}ms }}",
                f"    forwards: [ {{ remote: \"127.0.0.1:{port}\", to: \"127.0.0.1:{self.service_port}\" }} ]",
            ]
        config = self.home / "fairlead.yaml"
        config.write_text("\n".join(lines) + "\n")
        return config

    def start(self, ports, autostart=True):
        config = self.write_config(ports, autostart)
        began = time.monotonic_ns()
        self.group.append(self.scene.start("fairlead", [scenes.FAIRLEAD, "daemon", "--config", config]))
        self.wait_for_socket()
        return began

    def wait_for_socket(self, patience=30):
        deadline = time.monotonic() + patience
        while not (self.home / "run" / "control.sock").exists():
            self.check()
            if time.monotonic() > deadline:
                raise scenes.Trouble("the daemon did not come up")
            time.sleep(0.005)

    def cli(self, *words):
        return [scenes.FAIRLEAD, "--config", self.home / "fairlead.yaml", *words]
