"""`fairlead status --watch`: it shows every change of state until Ctrl-C, and leaves the terminal as it was."""
import json
import unittest

from fairlead_e2e import TunnelCase

FOR_LONG = {"backoff_initial": "10m", "backoff_max": "10m"}  # what is lost stays lost until somebody asks
QUICKLY, NEVER = "--watch=0.1", "--watch=10m"                # when it draws again by itself


class StatusWatch(TunnelCase):
    def start(self):
        self.server = self.sshd()
        self.line = self.daemon(self.tunnel(self.server, self.remote(self.service()), reconnect=FOR_LONG))
        self.line.wait_for("connected")

    def lose(self):
        self.server.kill_sessions()
        self.line.wait_for("reconnecting")

    def test_is_drawn_again_when_a_session_dies_and_when_it_comes_back(self):
        self.start()
        view = self.at_terminal(self.line, "status", QUICKLY)
        self.assertRegex(view.wait_for_picture("connected"), r"(?m)^line +connected +fairlead +127\.0\.0\.1:")
        self.lose()
        lost = view.wait_for_picture("reconnecting")
        self.assertRegex(lost, r"(?m)^line +reconnecting ")
        self.assertIn("attempt ", lost)
        drawn = len(view.pictures())
        self.line.post("reconnect")
        self.assertNotIn("reconnecting", view.wait_for_picture(" connected", after=drawn))

    def test_ctrl_c_is_exit_0_and_leaves_the_terminal_clean(self):
        self.start()
        view = self.at_terminal(self.line, "status", QUICKLY)
        view.wait_for_picture("connected")
        self.assertIn("\x1b[?25l", view.out)
        self.assertEqual(view.interrupt(), 0)
        self.assertEqual(view.out.rfind("\x1b[?25"), view.out.rfind("\x1b[?25h"), "the cursor is hidden")
        self.assertEqual(view.out.count("\x1b[?25l"), view.out.count("\x1b[?25h"))
        self.assertTrue(view.modes_are_kept)
        self.assertNotIn("fairlead:", view.out)  # no complaint

    def test_ctrl_c_need_not_wait_for_the_next_picture(self):
        self.start()
        view = self.at_terminal(self.line, "status", NEVER)
        view.wait_for_picture("connected")
        self.assertEqual(view.interrupt(), 0)

    def test_a_terminal_of_another_size_is_drawn_anew_at_once(self):
        self.start()
        view = self.at_terminal(self.line, "status", NEVER)
        view.wait_for_picture("HEALTH")
        drawn = len(view.pictures())
        view.resize(20, 24)
        narrow = view.wait_for_picture("line", after=drawn)
        self.assertLessEqual(max(len(line) for line in narrow.splitlines()), 20)
        self.assertIn("…", narrow)

    def test_a_daemon_that_goes_away_is_said_and_awaited(self):
        self.start()
        view = self.at_terminal(self.line, "status", QUICKLY)
        view.wait_for_picture("connected")
        self.line.stop()
        view.wait_for_picture("no daemon at " + self.line.socket_path)
        drawn = len(view.pictures())
        self.line.start()
        view.wait_for_picture(" connected", after=drawn)
        self.assertEqual(view.interrupt(), 0)

    def test_without_a_daemon_it_does_not_begin(self):
        self.start()
        self.line.stop()
        view = self.at_terminal(self.line, "status", QUICKLY)
        self.assertEqual(view.wait(), 69)
        self.assertNotIn("\x1b[?25", view.out)

    # A pipe gets the same tables, one below the other.
    def test_a_pipe_gets_plain_tables_with_a_blank_line_between(self):
        self.start()
        view = self.command(self.line, "status", QUICKLY)
        view.wait_until(lambda: view.out.count("TUNNEL") >= 2, "a second table")
        self.lose()
        view.wait_until(lambda: "reconnecting" in view.out, "the change")
        self.assertEqual(view.interrupt(), 0)
        self.assertNotIn("\x1b", view.out)
        self.assertEqual(view.err, "")
        for table in view.out.rstrip("\n").split("\n\n"):
            self.assertRegex(table, r"\ATUNNEL .*\nline +(connected|reconnecting) ")

    def test_json_is_one_status_object_a_line(self):
        self.start()
        view = self.command(self.line, "status", QUICKLY, "--json")
        view.wait_until(lambda: view.out.count("\n") >= 2, "a second object")
        self.lose()
        view.wait_until(lambda: '"reconnecting"' in view.out, "the change")
        self.assertEqual(view.interrupt(), 0)
        objects = [json.loads(line) for line in view.out.splitlines()]
        self.assertEqual({status["schema"] for status in objects}, {"fairlead.status/1"})
        states = [status["tunnels"][0]["state"] for status in objects]
        self.assertEqual((states[0], states[-1]), ("connected", "reconnecting"))

    def test_json_on_a_terminal_is_no_live_view(self):
        self.start()
        view = self.at_terminal(self.line, "status", QUICKLY, "--json")
        view.wait_until(lambda: view.out.count("\n") >= 2, "a second object")
        self.assertNotIn("\x1b", view.out)
        self.assertEqual(view.interrupt(), 0)

    def test_json_tells_of_a_daemon_that_went_away_in_a_line_too(self):
        self.start()
        view = self.command(self.line, "status", QUICKLY, "--json")
        view.wait_until(lambda: view.out, "an object")
        self.line.stop()
        view.wait_until(lambda: '"error"' in view.out and view.err, "the error, in both")
        self.line.start()
        self.assertEqual(view.interrupt(), 0)
        self.assertRegex(view.err, r"(?m)^fairlead: (no|the) daemon at ")
        codes = {json.loads(line).get("error", {}).get("code") for line in view.out.splitlines()}
        self.assertIn("unavailable", codes)

    def test_json_without_a_daemon_is_one_line_as_well(self):
        self.start()
        self.line.stop()
        view = self.command(self.line, "status", QUICKLY, "--json")
        self.assertEqual(view.wait(), 69)
        self.assertEqual(json.loads(view.out)["error"]["code"], "unavailable")
        self.assertEqual(view.out.count("\n"), 1)


if __name__ == "__main__":
    unittest.main()
