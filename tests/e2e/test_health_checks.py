"""The HTTP health check asks what the line leads to; the line itself stays, whatever the answer."""
import os
import unittest
import unittest.mock

from fairlead_e2e import TunnelCase, free_port, until


# The first check is made at once, and here no machine is too slow for it; there is no second one.
ONCE = {"interval": "80s", "timeout": "80s", "fall": 1}


class HealthChecks(TunnelCase):
    """A check that is asked again within a second has no more than that for its answer: on a busy machine some run out of it."""

    def start(self, url=None, server=None, **check):
        self.server = server or self.sshd()
        self.web = self.http_service()
        self.forward = self.remote(self.service())
        url = url or f"http://127.0.0.1:{self.web.port}/health?deep=1"
        config = {"url": url, "interval": "1s", "timeout": "1s", "fall": 2, "rise": 2} | check
        self.line = self.daemon(self.tunnel(self.server, self.forward, health_check=config))

    def last(self):
        return until(lambda: self.line.tunnel()["health"]["last"], "the first result")

    def last_with(self, **fields):
        def met():
            last = self.last()
            return all(last[key] == value for key, value in fields.items()) and last

        return until(met, lambda: f"a result with {fields}; the last is {self.last()}")

    def check_falls_and_rises(self):
        self.last_with(http_status=200, good=True)
        self.line.wait_for("connected", proof="probe")
        mark = self.line.mark()
        self.web.status = 500
        self.last_with(http_status=500, good=False)
        fallen = self.line.wait_for("degraded", reason="health_failed")
        self.assertRegex(fallen["detail"], "500|time")
        self.assertFalse(fallen["health"]["good"])
        self.assertEqual(fallen["proof"], "probe")
        self.exchange(self.forward["remote"])  # the line itself is well
        asked = len(self.web.requests)
        self.web.status = 204
        self.last_with(http_status=204, good=True)
        self.line.wait_for("connected")
        self.assertGreaterEqual(len(self.web.requests) - asked, 1)
        self.assertEqual({(t["from"], t["to"], t["event"]) for t in self.line.transitions(mark)},
                         {("connected", "degraded", "health_check_failed"),
                          ("degraded", "connected", "health_check_recovered")})
        self.assertEqual(self.line.tunnel()["reconnects"], 0)

    def test_falls_and_rises_asked_from_the_remote_side(self):
        self.start()
        self.check_falls_and_rises()
        request = self.web.requests[0]
        self.assertTrue(request.startswith("GET /health?deep=1 HTTP/1.1\r\n"), request)
        self.assertIn(f"Host: 127.0.0.1:{self.web.port}\r\n", request)

    def test_falls_and_rises_asked_from_the_local_side(self):
        self.start(**{"from": "local"})
        self.check_falls_and_rises()
        self.assertIn(f"Host: 127.0.0.1:{self.web.port}\r\n", self.web.requests[0])

    def test_one_failure_is_forgiven_where_two_are_needed(self):
        self.start(fall=100)
        self.web.status = 503
        self.last_with(http_status=503, good=False)
        self.assertEqual(self.line.tunnel()["state"], "connected")
        self.web.status = 200
        self.last_with(http_status=200, good=True)
        self.assertEqual([t for t in self.line.transitions() if t["to"] == "degraded"], [])

    def test_the_check_goes_through_the_forward_itself(self):
        # As the older tool's files ask: the forwarded port on the server's side.
        self.server, web = self.sshd(), self.http_service()
        forward = self.remote(web)
        check = {"url": f"http://127.0.0.1:{forward['remote']}/", "interval": "1s", "fall": 1}
        self.line = self.daemon(self.tunnel(self.server, forward, health_check=check))
        self.last_with(http_status=200, good=True)
        web.mode = "drop"
        self.line.wait_for("degraded", reason="health_failed")
        web.mode = "answer"
        self.line.wait_for("connected", proof="probe")

    def check_error(self, url, *words, **more):
        self.start(url, **ONCE, **more)
        fallen = self.line.wait_for("degraded", reason="health_failed")
        last = fallen["health"]["last"]
        self.assertEqual((last["good"], last["http_status"] or 0), (False, 0))
        for word in words:
            self.assertIn(word, last["error"])
        self.assertIn(last["error"], fallen["detail"])
        self.exchange(self.forward["remote"])

    def test_nobody_listens_on_the_remote_side(self):
        port = free_port()
        self.check_error(f"http://127.0.0.1:{port}/", "cannot connect", str(port))

    def test_nobody_listens_on_the_local_side(self):
        port = free_port()
        self.check_error(f"http://127.0.0.1:{port}/", str(port), **{"from": "local"})

    def test_a_forbidden_target_is_called_that(self):
        server = self.sshd("PermitOpen=127.0.0.1:1")
        self.server, port = server, free_port()
        check = {"url": f"http://127.0.0.1:{port}/"} | ONCE
        self.line = self.daemon(self.tunnel(server, self.remote(self.service()), health_check=check))
        fallen = self.line.wait_for("degraded")
        self.assertIn("forbids", fallen["health"]["last"]["error"])
        self.assertIn("permitopen", fallen["health"]["last"]["error"])

    def test_no_answer_in_time_is_a_timeout(self):
        for side in ("remote", "local"):
            with self.subTest(side):
                self.start(fall=1, timeout="500ms", **{"from": side})
                self.web.mode = "silent"
                fallen = self.line.wait_for("degraded", reason="health_failed")
                self.assertIn("time", fallen["health"]["last"]["error"].lower())
                self.web.mode = "answer"
                self.line.wait_for("connected")

    def test_a_service_that_hangs_up_without_an_answer_is_a_failure(self):
        self.start(fall=1)
        self.web.mode = "drop"
        fallen = self.line.wait_for("degraded", reason="health_failed")
        self.assertTrue(fallen["health"]["last"]["error"])

    def test_what_is_no_http_is_a_failure(self):
        garbage = self.service(lambda connection: connection.sock.sendall(b"SSH-2.0-not-http\r\n"))
        self.check_error(f"http://127.0.0.1:{garbage.port}/")

    def test_a_name_that_only_the_server_knows_is_resolved_there(self):
        # The server is asked for the name as it stands: it says that it cannot, and nobody here looks it up.
        server = self.sshd("LogLevel=DEBUG1")
        self.check_error("http://only-there.invalid:8080/", "only-there.invalid:8080", server=server)
        until(lambda: "only-there.invalid" in server.log(), "the name in the server's log")

    def test_localhost_is_the_servers(self):
        self.start()
        self.line.stop()
        config = {"url": f"http://localhost:{self.web.port}/", "interval": "1s"}
        self.line = self.daemon(self.tunnel(self.server, self.forward, health_check=config))
        self.last_with(http_status=200, good=True)
        self.assertTrue([request for request in self.web.requests if "Host: localhost:" in request])

    def test_a_redirect_is_an_answer_and_is_not_followed(self):
        self.start()
        self.web.status = 302
        self.last_with(http_status=302, good=True)

    def test_checks_begin_again_after_a_reconnect(self):
        self.start(fall=1)
        self.web.status = 500
        self.line.wait_for("degraded")
        self.server.kill_sessions()
        self.line.wait_for("degraded", reconnects=1)
        self.web.status = 200
        self.line.wait_for("connected", reconnects=1)

    def test_an_environment_proxy_is_not_used(self):
        proxy = self.service(lambda connection: connection.recv())
        with unittest.mock.patch.dict(os.environ, {"http_proxy": f"http://127.0.0.1:{proxy.port}"}):
            self.start(**{"from": "local"})
        self.last_with(http_status=200, good=True)
        self.assertEqual(proxy.connections, [])


if __name__ == "__main__":
    unittest.main()
