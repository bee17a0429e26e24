"""packaging/nginx/rowlock.conf in a real nginx, before two services."""
import os
import shutil
import socket
import subprocess
import time

from support.server import ROOT, free_port

IS_INSTALLED = shutil.which("nginx") is not None

FRAME = """
{user}
daemon off;
worker_processes 1;
error_log {folder}/error.log;
pid {folder}/nginx.pid;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/rowlock.conf;
}}
"""


class Nginx:
    def __init__(self, folder, ports):
        self.folder, self.port = folder, free_port()
        text = (ROOT / "packaging/nginx/rowlock.conf").read_text(encoding="utf-8")
        for before, after in (("127.0.0.1:5010", f"127.0.0.1:{ports[0]}"),
                              ("127.0.0.1:5020", f"127.0.0.1:{ports[1]}"),
                              ("listen 8080;", f"listen 127.0.0.1:{self.port};")):
            assert text.count(before) >= 1, before
            text = text.replace(before, after)
        (folder / "rowlock.conf").write_text(text, encoding="utf-8")
        (folder / "nginx.conf").write_text(FRAME.format(
            folder=folder, user="user root;" if os.geteuid() == 0 else ""), encoding="utf-8")

    def start(self):
        self.process = subprocess.Popen(
            ["nginx", "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                assert self.process.poll() is None, self.process.stderr.read()
                assert time.monotonic() < deadline
                time.sleep(0.01)

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
        self.process.stderr.close()
