"""From a tunnel's trouble to the receiver: what arrives, word for word, how often it is tried, and what is never shown."""
import base64
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import signal
import subprocess
import threading
import time
import unittest

from fairlead_e2e import FAIRLEAD, TunnelCase, free_port, until

KEY = base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
SECRETS = {"key": "whsec_" + KEY, "token": "tk_very-secret-token", "slack-url": "/services/T000/B000/very-secret-path"}

# What is said of a tunnel without a key; a busy machine has not even looked for it after the threshold's second.
TROUBLE = "key unreadable|^starting, for"


class Receiver(http.server.ThreadingHTTPServer):
    """Keeps every request. `answers`: (status, headers) for the next ones; then 200 "ok"."""

    daemon_threads = True

    def __init__(self):
        self.requests, self.answers = [], []
        super().__init__(("127.0.0.1", free_port()), Handler)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def port(self):
        return self.server_address[1]

    def close(self):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):  # noqa: N802, the name is http.server's
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, headers = self.server.answers.pop(0) if self.server.answers else (200, {})
        self.server.requests.append({"path": self.path, "headers": dict(self.headers), "body": body, "at": time.monotonic()})
        # A receiver that quotes what it was sent.
        text = b"ok" if status == 200 else f"no {self.headers.get('Authorization')} {self.path}".encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


class Notifications(TunnelCase):
    def setUp(self):
        super().setUp()
        self.receiver = Receiver()
        self.addCleanup(self.receiver.close)
        self.url = f"http://127.0.0.1:{self.receiver.port}"
        for name, text in SECRETS.items():
            self.secret(name, (self.url if name == "slack-url" else "") + text)

    def secret(self, name, text, mode=0o600):
        path = self.folder / name
        path.write_text(text + "\n")
        path.chmod(mode)
        return str(path)

    def hook(self, **more):
        return {"type": "webhook", "url": self.url + "/in?site=attic", "secret_file": str(self.folder / "key"),
                "token_file": str(self.folder / "token"), "headers": {"X-Site": "attic"},
                "retry": {"attempts": 3, "backoff_initial": "100ms", "backoff_max": "200ms"}} | more

    def start(self, senders, **thresholds):
        """One tunnel whose server does not exist yet, and these senders."""
        self.settings = {"tunnel_failed_after": "1s", "tunnel_degraded_after": "2s"} | thresholds | {"senders": senders}
        self.port = free_port()
        self.tunnels = {"hub": {"host": "127.0.0.1", "port": self.port, "ssh_user": "nobody", "ssh_key": "/nonexistent",
                                "forwards": [{"remote": free_port(), "to": 1}], "reconnect": {"backoff_max": "1s"}}}
        self.running = self.daemon(self.tunnels, {"notify": self.settings})

    def request(self, number=1):
        until(lambda: len(self.receiver.requests) >= number, lambda: f"request {number}\n" + self.running.tail())
        return self.receiver.requests[number - 1]

    def notify(self):
        return self.running.get("/v1/status")["notify"]

    def sender(self, name="hook"):
        return next(sender for sender in self.notify()["senders"] if sender["name"] == name)

    def wait_sender(self, name="hook", **fields):
        def met():
            sender = self.sender(name)
            return all(sender[key] == value for key, value in fields.items()) and sender

        return until(met, lambda: f"{fields}; it is {self.sender(name)}\n" + self.running.tail())

    def cli(self, *words):
        return subprocess.run([FAIRLEAD, "--config", str(self.running.config_file), *words], capture_output=True, text=True,
                              timeout=90, check=False, env=os.environ | {"HOME": str(self.running.folder)})

    def check_signature(self, request):
        """As a receiver does it, from the Standard Webhooks specification, with none of our code."""
        headers, body = request["headers"], request["body"]
        self.assertLess(abs(int(headers["webhook-timestamp"]) - time.time()), 300)
        self.assertNotIn(".", headers["webhook-id"])
        content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = base64.b64encode(hmac.new(base64.b64decode(KEY), content, hashlib.sha256).digest()).decode()
        self.assertIn(f"v1,{expected}", headers["webhook-signature"].split(" "))

    def check_nothing_shown(self):
        """Neither secret in anything that an operator, a client or the disk sees."""
        shown = [self.running.log_file.read_text(), json.dumps(self.running.get("/v1/status")),
                 json.dumps(self.running.get("/v1/logs?lines=4096")), self.cli("status", "--json").stdout, self.cli("status").stdout,
                 self.cli("config", "show").stdout, self.cli("config", "show", "--json").stdout, self.cli("audit", "show").stdout]
        for text in shown:
            self.assertTrue(text)
        for text in shown + list(self.stored()):
            for secret in SECRETS.values():
                self.assertNotIn(secret, text)
                self.assertNotIn(secret.removeprefix("whsec_"), text)

    def stored(self):
        for path in pathlib.Path(self.running.folder, "state").rglob("*"):
            try:
                if path.is_file():
                    yield path.read_text(errors="replace")
            except FileNotFoundError:
                pass  # one that is written beside the old one and then takes its name

    def test_a_lost_tunnel_is_a_signed_cloud_event(self):
        self.start({"hook": self.hook()})
        request = self.request()
        self.check_signature(request)
        headers, event = request["headers"], json.loads(request["body"])
        self.assertEqual(request["path"], "/in?site=attic")
        self.assertEqual(headers["Content-Type"], "application/cloudevents+json; charset=utf-8")
        self.assertEqual(headers["Authorization"], "Bearer " + SECRETS["token"])
        self.assertEqual(headers["X-Site"], "attic")
        self.assertEqual({key: event[key] for key in ("specversion", "type", "subject", "datacontenttype")},
                         {"specversion": "1.0", "type": "fairlead.tunnel_failed", "subject": "hub",
                          "datacontenttype": "application/json"})
        self.assertEqual(event["id"], headers["webhook-id"])
        self.assertTrue(event["source"].startswith("urn:fairlead:"))
        self.assertRegex(event["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual((event["data"]["severity"], event["data"]["title"]), ("high", "tunnel hub has no connection"))
        self.assertRegex(event["data"]["text"], TROUBLE)
        self.wait_sender(delivered=1, queued=0, dead=0, last_error=None)
        self.check_nothing_shown()

    def test_a_real_line_that_is_lost_and_comes_back_is_told_as_both(self):
        server, echo = self.sshd(), self.service()
        relay, forward = self.relay(server), self.remote(echo)
        self.running = self.daemon({"hub": self.tunnel(server, forward, relay=relay)},
                                   {"notify": {"tunnel_failed_after": "1s", "senders": {"hook": self.hook()}}})
        self.running.wait_for("connected", "hub")
        self.wait_sender(queued=0)
        told = len(self.receiver.requests)  # both, where it took long to come up for the first time
        self.assertIn(told, (0, 2))
        server.stop()
        self.assertEqual(json.loads(self.request(told + 1)["body"])["type"], "fairlead.tunnel_failed")
        server.start()
        self.running.wait_for("connected", "hub")
        event = json.loads(self.request(told + 2)["body"])
        self.assertEqual((event["type"], event["subject"]), ("fairlead.tunnel_recovered", "hub"))
        self.exchange(forward["remote"])
        self.assertEqual(len(self.receiver.requests), told + 2)

    def test_a_failing_health_check_is_told_as_degraded(self):
        server, web = self.sshd(), self.http_service()
        web.status = 500
        # Time enough for an answer on a machine that has little; the first check is made at once.
        check = {"url": f"http://127.0.0.1:{web.port}/", "interval": "8s", "timeout": "8s", "fall": 1}
        notify = {"tunnel_degraded_after": "1s", "tunnel_failed_after": "5m", "senders": {"hook": self.hook()}}
        self.running = self.daemon({"hub": self.tunnel(server, self.remote(web), health_check=check)}, {"notify": notify})
        self.running.wait_for("degraded", "hub")
        event = json.loads(self.request(1)["body"])
        self.assertEqual(event["type"], "fairlead.tunnel_degraded")
        self.assertIn("500", event["data"]["text"])
        web.status = 200
        self.assertEqual(json.loads(self.request(2)["body"])["type"], "fairlead.tunnel_recovered")

    def test_a_tunnel_taken_down_by_hand_is_nobodys_business(self):
        self.start({"hook": self.hook()}, tunnel_failed_after="3s", tunnel_degraded_after="3s")
        self.running.post("down", "hub")
        sender = self.sender()
        told = sender["delivered"] + sender["queued"]  # one, where this machine stood still for three seconds
        mark = time.monotonic()
        until(lambda: time.monotonic() - mark > 4, "longer than the threshold")
        self.assertEqual(len(self.receiver.requests), told)

    def test_ntfy_and_slack_get_their_own_language(self):
        phone = {"type": "ntfy", "url": self.url + "/", "topic": "attic", "token_file": str(self.folder / "token")}
        chat = {"type": "slack", "url_file": str(self.folder / "slack-url")}
        self.start({"phone": phone, "chat": chat})
        self.request(2)
        by_path = {request["path"]: request for request in self.receiver.requests}
        ntfy, slack = by_path["/"], by_path[SECRETS["slack-url"]]
        self.assertEqual(ntfy["headers"]["Authorization"], "Bearer " + SECRETS["token"])
        body = json.loads(ntfy["body"])
        self.assertEqual(set(body), {"topic", "title", "message", "priority", "tags"})
        self.assertEqual((body["topic"], body["title"], body["priority"], body["tags"]),
                         ("attic", "tunnel hub has no connection", 4, ["warning", "tunnel_failed"]))
        self.assertRegex(body["message"], TROUBLE)
        self.assertEqual(slack["headers"]["Content-Type"], "application/json")
        self.assertNotIn("Authorization", slack["headers"])
        body = json.loads(slack["body"])
        self.assertEqual(list(body), ["text"])
        self.assertTrue(body["text"].startswith("*tunnel hub has no connection*\n"))
        self.check_nothing_shown()

    def test_500_is_tried_again_with_the_same_id_and_a_fresh_signature(self):
        self.receiver.answers = [(500, {}), (502, {})]
        self.start({"hook": self.hook()})
        requests = [self.request(number) for number in (1, 2, 3)]
        for request in requests:
            self.check_signature(request)
        self.assertEqual(len({request["headers"]["webhook-id"] for request in requests}), 1)
        self.wait_sender(delivered=1, retried=2, dead=0, last_error=None)

    def test_retry_after_is_honoured(self):
        self.receiver.answers = [(429, {"Retry-After": "3"})]
        self.start({"hook": self.hook()})
        self.request(1)
        self.wait_sender(retried=1)
        self.assertIn("429", self.running.wait_event("notice_delayed")["error"])
        self.assertGreaterEqual(self.request(2)["at"] - self.request(1)["at"], 2.9)  # its own longest wait is 0.2 s
        self.wait_sender(delivered=1)

    def test_400_is_a_dead_letter_at_once_and_quotes_no_secret(self):
        chat = {"type": "slack", "url_file": str(self.folder / "slack-url")}
        self.receiver.answers = [(400, {}), (403, {})]
        self.start({"hook": self.hook(), "chat": chat})
        for name in ("hook", "chat"):
            self.wait_sender(name, dead=1, queued=0, retried=0)
        letters = self.notify()["dead_letters"]
        self.assertEqual({letter["sender"] for letter in letters}, {"hook", "chat"})
        for letter in letters:
            self.assertEqual((letter["event"], letter["subject"], letter["title"], letter["attempts"]),
                             ("tunnel_failed", "hub", "tunnel hub has no connection", 1))
            self.assertRegex(letter["reason"], r"HTTP status 40[03] \(no ")
        self.assertEqual(len(self.receiver.requests), 2)
        shown = self.cli("status").stdout
        self.assertIn("notify: hook: 1 message given up; last error: the receiver answered with HTTP status 40", shown)
        self.check_nothing_shown()

    def test_a_receiver_that_is_down_is_given_up_after_the_attempts(self):
        self.start({"hook": self.hook(url=f"http://127.0.0.1:{free_port()}/")})
        self.wait_sender(dead=1, retried=2)
        self.assertIn("given up after 3 attempts", self.notify()["dead_letters"][0]["reason"])

    def test_a_reload_keeps_what_waits(self):
        self.receiver.answers = [(503, {})] * 2
        slow = {"attempts": 5, "backoff_initial": "1h", "backoff_max": "1h"}
        self.start({"kept": self.hook(retry=slow), "mended": self.hook(retry=slow)})
        for name in ("kept", "mended"):
            self.wait_sender(name, retried=1, queued=1)
        self.settings["senders"]["mended"]["retry"] = {"attempts": 2}
        self.settings["senders"]["added"] = self.hook()
        self.running.write_config(self.tunnels, {"notify": self.settings})
        os.kill(self.running.pid, signal.SIGHUP)
        self.wait_sender("mended", delivered=1, queued=0)
        self.wait_sender("kept", retried=1, queued=1, delivered=0)
        self.assertGreater(self.sender("kept")["next_attempt_in_seconds"], 3000)
        self.wait_sender("added", delivered=0, queued=0)
        del self.settings["senders"]["kept"]
        self.running.write_config(self.tunnels, {"notify": self.settings})
        self.assertEqual(self.running.request("POST", "/v1/reload")[0], 200)
        self.assertEqual(self.notify()["dead_letters"][0]["reason"], "the sender was removed from the configuration")

    def test_what_waits_at_the_end_is_counted(self):
        self.receiver.answers = [(503, {})]
        self.start({"hook": self.hook(retry={"backoff_initial": "1h", "backoff_max": "1h"})})
        self.wait_sender(queued=1, retried=1)
        self.running.stop()
        self.assertEqual(next(line for line in self.running.lines() if line.get("event") == "notices_lost")["count"], "1")

    def test_the_test_command_tells_the_outcome(self):
        self.secret("open-token", "tk_open", 0o644)
        self.start({"hook": self.hook(severity="critical"), "open": self.hook(token_file=str(self.folder / "open-token")),
                    "page": {"type": "command", "argv": ["/bin/true"]}})
        self.running.post("down", "hub")  # so that only tests are sent
        good = self.cli("notify", "test", "hook")
        self.assertEqual((good.returncode, good.stdout, good.stderr), (0, "hook: delivered\n", ""))
        event = json.loads(self.receiver.requests[-1]["body"])
        self.assertEqual((event["type"], event["data"]["severity"]), ("fairlead.test", "info"))
        self.check_signature(self.receiver.requests[-1])
        in_json = self.cli("notify", "test", "hook", "--json")
        self.assertEqual(json.loads(in_json.stdout), {"sender": "hook", "outcome": "delivered"})
        count = len(self.receiver.requests)

        unknown = self.cli("notify", "test", "hok", "--json")
        self.assertEqual((unknown.returncode, json.loads(unknown.stdout)["error"]["code"]), (1, "not_found"))
        self.assertIn("did you mean hook?", unknown.stderr)
        unsafe = self.cli("notify", "test", "open")
        self.assertEqual(unsafe.returncode, 1)
        self.assertIn("open-token: holds a secret, and everybody may read or write it: chmod o= it", unsafe.stderr)
        self.assertEqual(len(self.receiver.requests), count)
        self.receiver.answers = [(404, {})]
        missing = self.cli("notify", "test", "hook", "--json")
        self.assertEqual((missing.returncode, json.loads(missing.stdout)["error"]["code"]), (1, "unavailable"))
        self.assertIn("HTTP status 404", missing.stderr)
        self.assertIn("check the URL", missing.stderr)
        self.assertEqual(len(self.receiver.requests), count + 1)
        self.assertIn("sender_tested", self.cli("audit", "show").stdout)
        self.check_nothing_shown()

    def test_a_receiver_that_never_answers_does_not_hold_up_the_end(self):
        silent = self.http_service()
        silent.mode = "silent"
        self.start({"hook": self.hook(url=f"http://127.0.0.1:{silent.port}/", timeout="45s")})
        until(lambda: silent.requests, lambda: "the request\n" + self.running.tail())
        began = time.monotonic()
        self.running.stop()  # and it checks that nothing was left
        self.assertLess(time.monotonic() - began, 45)


if __name__ == "__main__":
    unittest.main()
