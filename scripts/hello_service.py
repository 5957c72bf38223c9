"""The small HTTP service that the quickstart exposes: python3 scripts/hello_service.py PORT

Listens on 127.0.0.1. `/` greets and says how often it was asked, `/health` says that all is well.
"""
import http.server
import sys


class Hello(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    greeted = 0

    def do_GET(self):
        if self.path == "/health":
            self.answer(200, "well\n")
        elif self.path == "/":
            Hello.greeted += 1
            self.answer(200, f"hello from behind the tunnel, visitor {Hello.greeted}\n")
        else:
            self.answer(404, "no such page\n")

    def answer(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass  # health checks would fill the terminal


if __name__ == "__main__":
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Hello).serve_forever()
