"""Another service, as one that keeps references sees it: it writes down what it is asked, and says
what a test tells it to. Also what services sign their requests with."""
import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def credential(key, method, path, body, at=None):
    """The value of Authorization; `at` in seconds since 1970."""
    at = int(time.time()) if at is None else at
    text = b"".join(part.encode() + b"\n" for part in ("rowlock-link-1", method, path, str(at)))
    return f"Rowlock-Link {at} " + hmac.new(key.encode(), text + body, hashlib.sha256).hexdigest()


class Peer:
    """`answer(method, path, message)` gives a status and a message, or None for an empty body."""

    def __init__(self, answer):
        self.asked = []
        self.answer = answer
        peer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def take(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                message = json.loads(body) if body else None
                peer.asked.append((self.command, self.path, message, dict(self.headers)))
                status, said = peer.answer(self.command, self.path, message)
                sent = b"" if said is None else json.dumps(said).encode()
                self.send_response(status)
                if status != 204:
                    self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            do_GET = do_PUT = do_POST = do_DELETE = take

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
