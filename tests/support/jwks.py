"""A server of key sets that does what a test says: rotates, is slow, down, or worse."""
import http.server
import json
import threading
import time

from support.tokens import b64, openssl


def jwk(keys, kid=None, **more):
    """The public RSA key of a pair as a JSON Web Key."""
    modulus = openssl("rsa", "-pubin", "-in", keys.public, "-noout", "-modulus").decode()
    key = {"kty": "RSA", "alg": "RS256", "use": "sig", "e": "AQAB",
           "n": b64(bytes.fromhex(modulus.strip().split("=")[1])), **more}
    return {**key, "kid": kid} if kid else key


def jwks(*keys):
    return json.dumps({"keys": list(keys)}).encode()


class KeyServer:
    """`answer` is (status, headers, body), or None for a connection that is cut; `wait_s` comes
    before it. `times` has when each request came."""

    def __init__(self, port=0):
        self.answer, self.wait_s, self.times, self.paths = (503, {}, b""), 0, [], []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.times.append(time.monotonic())
                outer.paths.append(self.path)
                time.sleep(outer.wait_s)
                if outer.answer is None:
                    self.close_connection = True
                    return
                status, headers, body = outer.answer
                try:
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    self.close_connection = True

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/keys"

    def give(self, *keys):
        self.answer = (200, {"Content-Type": "application/json"}, jwks(*keys))

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
