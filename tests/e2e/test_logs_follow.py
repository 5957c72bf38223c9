"""`fairlead logs --follow`: the last lines, then every new one, until Ctrl-C or the daemon's end."""
import json
import signal
import subprocess
import unittest

from fairlead_e2e import FAIRLEAD, TunnelCase
from fairlead_e2e.platform import PATIENCE


class LogsFollow(TunnelCase):
    def start(self, *names):
        server, echo = self.sshd(), self.service()
        self.line = self.daemon({name: self.tunnel(server, self.remote(echo)) for name in names or ("line",)})
        for name in names or ("line",):
            self.line.wait_for("connected", name)

    def follow(self, *arguments):
        return self.command(self.line, "logs", "--follow", *arguments)

    @staticmethod
    def lines(view):
        return [json.loads(text) for text in view.out.splitlines(keepends=True) if text.endswith("\n")]

    def wait_for_line(self, view, **fields):
        def met():
            return next((line for line in self.lines(view) if fields.items() <= line.items()), None)
        return view.wait_until(met, f"the line {fields}")

    def test_new_lines_follow_the_last_ones_without_a_gap(self):
        self.start()
        view = self.follow("--json", "--lines=5")
        view.wait_until(lambda: len(self.lines(view)) >= 5, "the last lines")
        self.line.post("restart")
        self.wait_for_line(view, tunnel="line", to="stopped", reason="by_operator")
        self.wait_for_line(view, tunnel="line", to="connected")
        ids = [line["id"] for line in self.lines(view)]
        self.assertEqual(ids, list(range(ids[0], ids[0] + len(ids))))

    def test_reads_as_text(self):
        self.start()
        view = self.follow("--lines=0")
        view.wait_until(lambda: "path=/v1/logs/stream" in view.out, "its own request")  # it follows from here on
        self.line.post("restart")
        view.wait_until(lambda: "to=connected" in view.out, "the new lines")
        for text in view.out.splitlines()[:-1]:
            self.assertRegex(text, r"\A\d{4}-\d\d-\d\dT[\d:.]+Z (error|warn |info |debug) [a-z_]+( |$)")
        self.assertNotIn("\x1b", view.out)

    def test_a_name_leaves_out_the_lines_of_others(self):
        self.start("line", "other")
        view = self.follow("line", "--json")
        self.wait_for_line(view, tunnel="line", to="connected")
        self.line.post("down", "other")
        self.line.wait_for("stopped", "other")
        self.line.post("down", "line")
        self.wait_for_line(view, to="stopped")
        self.assertEqual({line.get("tunnel") for line in self.lines(view)}, {"line"})

    def test_an_unknown_name_is_refused(self):
        self.start()
        view = self.follow("lien")
        self.assertEqual(view.wait(), 1)
        self.assertIn("did you mean `line`?", view.err)

    def set_level(self, level):
        self.assertEqual(self.line.request("PUT", "/v1/log-level", {"level": level})[0], 200)

    def test_the_daemons_level_decides_what_comes(self):
        self.start()
        view = self.follow("--json")
        view.wait_until(lambda: self.lines(view), "the last lines")
        self.set_level("error")
        self.line.post("restart")
        self.line.wait_for("connected")
        self.set_level("debug")
        self.line.post("down")
        self.wait_for_line(view, to="stopped", reason="by_operator")
        moves = [line["to"] for line in self.lines(view) if "from" in line and line.get("tunnel") == "line"]
        self.assertEqual(moves.count("connected"), 1)  # that of the start, not that of the restart

    def test_the_daemons_end_is_exit_69(self):
        self.start()
        view = self.follow()
        view.wait_until(lambda: "to=connected" in view.out, "the last lines")
        self.line.stop()
        self.assertEqual(view.wait(), 69)
        self.assertRegex(view.err, r"\Afairlead: (no daemon at .*|the daemon ended the stream)\n\Z")

    def test_the_death_of_the_daemon_is_exit_69(self):
        self.start()
        view = self.follow()
        view.wait_until(lambda: "to=connected" in view.out, "the last lines")
        self.line.kill()
        self.assertEqual(view.wait(), 69)
        self.assertRegex(view.err, r"\Afairlead: (no|the) daemon at .*\n\Z")

    def test_json_tells_of_the_daemons_end_in_a_line_too(self):
        self.start()
        view = self.follow("--json")
        view.wait_until(lambda: self.lines(view), "the last lines")
        self.line.stop()
        self.assertEqual(view.wait(), 69)
        self.assertEqual(self.lines(view)[-1]["error"]["code"], "unavailable")

    def test_without_a_daemon_json_is_one_line_as_well(self):
        self.start()
        self.line.stop()
        view = self.follow("--json")
        self.assertEqual(view.wait(), 69)
        self.assertEqual([line["error"]["code"] for line in self.lines(view)], ["unavailable"])

    def test_ctrl_c_ends_it_without_a_word(self):
        self.start()
        view = self.follow()
        view.wait_until(lambda: "to=connected" in view.out, "the last lines")
        self.assertEqual(view.interrupt(), -signal.SIGINT)
        self.assertEqual(view.err, "")

    def test_ends_when_nobody_reads_any_more(self):
        self.start()
        command = [FAIRLEAD, "--config", str(self.line.config_file), "logs", "--follow", "--lines=1"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as view:
            self.addCleanup(view.kill)
            view.stdout.readline()
            view.stdout.close()
            self.line.post("down")
            self.assertEqual(view.wait(PATIENCE), -signal.SIGPIPE)

    def test_as_many_lines_may_be_asked_for_as_the_daemon_answers(self):
        self.start()
        most = self.command(self.line, "logs", "--lines=4096")
        self.assertEqual((most.wait(), most.err), (0, ""))
        too_many = self.command(self.line, "logs", "--lines=4097")
        self.assertEqual(too_many.wait(), 64)
        self.assertIn("--lines", too_many.err)


if __name__ == "__main__":
    unittest.main()
