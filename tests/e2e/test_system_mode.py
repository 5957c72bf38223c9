"""System mode: the members of the group `fairlead` may use the daemon as their roles say, and nobody else gets in."""
import json
import os
import pathlib
import stat
import unittest

from fairlead_e2e import TunnelCase
from fairlead_e2e.system import ACCOUNTS, FAIRLEAD_GROUP, SystemDaemon, can_be_had

ROLES = [{"group": "fairlead", "role": "viewer"}, {"user": "chief", "role": "operator"}]
ROLES_WITHOUT_GROUP = [{"user": "viewer", "role": "viewer"}, {"user": "chief", "role": "operator"}]


@unittest.skipUnless(can_be_had(), "needs root and a mount namespace")
class SystemMode(TunnelCase):
    def start(self, roles=None, **more):
        server = self.sshd()
        self.line = self.daemon(self.tunnel(server, self.remote(self.service())), {"api": {"roles": roles or ROLES}},
                                kind=SystemDaemon, **more)
        self.line.wait_for("connected")
        self.mark = self.line.mark()

    def assert_is(self, path, mode, group):
        facts = pathlib.Path(path).stat()
        self.assertEqual((oct(stat.S_IMODE(facts.st_mode)), facts.st_uid, facts.st_gid), (oct(mode), 0, group), path)

    # docs/api.md
    def test_the_socket_and_its_folder_are_the_groups_too(self):
        self.start()
        self.assert_is(self.line.run / "fairlead", 0o750, FAIRLEAD_GROUP)
        self.assert_is(self.line.socket_path, 0o660, FAIRLEAD_GROUP)

    def test_without_the_group_they_are_the_owners_alone(self):
        self.start(roles=ROLES_WITHOUT_GROUP, has_group=False)
        self.assert_is(self.line.run / "fairlead", 0o700, 0)
        self.assert_is(self.line.socket_path, 0o600, 0)
        for account in ("viewer", "chief", "stranger"):
            self.assertEqual(self.line.by(account, "status").returncode, 69, account)
        self.assertEqual(self.line.by("root", "status").returncode, 0)

    # docs/audit.md
    def test_state_and_audit_folders_may_be_entered_and_their_files_not_read(self):
        self.start()
        state = self.line.lib / "fairlead"
        self.assertEqual(self.line.by("root", "down", "line").returncode, 0)
        self.line.stop()  # all is written then
        for folder in (state, state / "audit"):
            self.assert_is(folder, 0o750, 0)
        files = [path for path in state.rglob("*") if path.is_file()]
        self.assertLessEqual({"format", "lock", "down.json", "audit.jsonl", "head"}, {path.name for path in files})
        for path in files:
            self.assert_is(path, 0o600, 0)

    def test_a_viewer_of_the_group_may_look_and_not_touch(self):
        self.start()
        seen = self.line.by("viewer", "status")
        self.assertEqual(seen.returncode, 0, seen.stderr)
        self.assertRegex(seen.stdout, r"(?m)^line +connected ")
        for command in (("down", "line"), ("restart", "line"), ("reload",), ("log-level", "error")):
            refused = self.line.by("viewer", *command)
            self.assertEqual((refused.returncode, refused.stdout), (1, ""), command)
            self.assertIn("viewer", refused.stderr)
        self.assertEqual(self.line.transitions(self.mark), [])

    def test_an_operator_of_the_group_may_touch_and_is_recorded(self):
        self.start()
        done = self.line.by("chief", "down", "line")
        self.assertEqual((done.returncode, done.stdout), (0, "line: stopped\n"), done.stderr)
        self.assertEqual(self.line.tunnel()["state"], "stopped")
        self.line.stop()
        entries = map(json.loads, (self.line.lib / "fairlead/audit/audit.jsonl").read_text().splitlines())
        stopped = next(entry for entry in entries if entry["event"] == "bridge_stopped")
        self.assertEqual((stopped["actor"], stopped["actor_class"]), (f"uid:{ACCOUNTS['chief']}(chief)", "human"))

    def test_a_stranger_cannot_even_connect(self):
        self.start(roles=[*ROLES, {"user": "stranger", "role": "operator"}])  # a role does not open the door
        for command in (("status",), ("down", "line"), ("logs", "--follow"), ("reload",)):
            refused = self.line.by("stranger", *command)
            self.assertEqual((refused.returncode, refused.stdout), (69, ""), command)
            self.assertIn("ask for membership in its group", refused.stderr)
        requests = [line["uid"] for line in self.line.lines() if line.get("event") == "http_request"]
        self.assertNotIn(str(ACCOUNTS["stranger"]), map(str, requests))
        self.assertEqual(self.line.tunnel()["state"], "connected")

    def test_a_change_of_roles_holds_from_the_reload_on(self):
        self.start()
        self.assertEqual(self.line.by("viewer", "reconnect", "line").returncode, 1)
        config = json.loads(self.line.config_file.read_text())
        config["api"]["roles"].append({"user": "viewer", "role": "operator"})
        self.line.config_file.write_text(json.dumps(config))
        self.assertEqual(self.line.by("chief", "reload").returncode, 0)
        self.assertEqual(self.line.by("viewer", "reconnect", "line").returncode, 0)

    def test_this_machine_does_not_notice(self):
        before = {path: os.path.exists(path) for path in ("/etc/fairlead", "/run/fairlead", "/var/lib/fairlead")}
        self.start()
        self.assertEqual({path: os.path.exists(path) for path in before}, before)


if __name__ == "__main__":
    unittest.main()
