"""services/shop as it runs: two processes, one with a gateway, or two behind nginx; with keys and
tokens of its own."""
import functools
import os
import re
from pathlib import Path

from support.client import Connection
from support.nginx import Nginx
from support.server import ROOT, Server, free_port, run_program

FOLDER = ROOT / "services" / "shop"
FILES = {name: FOLDER / name / "service.yaml" for name in ("products", "orders")}
SETUPS = ("direct", "gateway", "nginx")
LINK_KEY = "what the services of the tests share"
NOBODY = "00000000-0000-4000-8000-000000000001"


class Keys:
    """A pair of keys and tokens made with it."""

    def __init__(self, folder):
        self.folder = folder
        done = run_program("keys", "--out", folder)
        assert done.returncode == 0, done

    def token(self, *args):
        done = run_program("token", "--key", self.folder / "jwt.key", *args)
        assert done.returncode == 0, done
        return done.stdout.strip()

    @functools.cached_property
    def bearer(self):
        return {"Authorization": "Bearer " + self.token("--sub", "ann", "--ttl", 36000)}


class Client:
    """Requests as somebody with a token, to whichever service has the path. `addresses` by the
    first part of the path."""

    def __init__(self, addresses, headers):
        self.addresses = addresses
        self.headers = headers
        self.connections = {}

    def __call__(self, method, path, body=None, headers=None):
        headers = self.headers if headers is None else {**self.headers, **headers}
        return self.plain(method, path, body, headers)

    def plain(self, method, path, body=None, headers=()):
        """Without a token."""
        address = self.addresses.get(re.match("/([a-z]*)", path)[1]) or self.addresses[""]
        if address not in self.connections:
            self.connections[address] = Connection(address)
        try:
            answer = self.connections[address].request(method, path, body, headers)
        except Exception:
            self.connections.pop(address).close()
            raise
        if answer.closes:
            self.connections.pop(address).close()
        return answer

    def close(self):
        while self.connections:
            self.connections.popitem()[1].close()


class Shop:
    """The two services. Stores are `sqlite`, `json`, or a pair of URLs; `urls` stand in place of
    PRODUCTS_URL and ORDERS_URL; service files are those of the tree unless others are given. `make`
    makes the servers of processes of their own."""

    def __init__(self, folder, setup="direct", store="sqlite", urls=None, files=None, env=None,
                 make=Server):
        self.folder = Path(folder)
        self.setup = setup
        self.files = files or FILES
        self.make = make
        self.keys = Keys(self.folder / "keys")
        self.ports = {name: free_port() for name in FILES}
        own = {name: f"http://127.0.0.1:{port}" for name, port in self.ports.items()}
        urls = {**own, **(urls or {})}
        self.env = {"JWT_PUBLIC_KEY": str(self.keys.folder / "jwt.pub"), "LINK_KEY": LINK_KEY,
                    "PRODUCTS_URL": urls["products"], "ORDERS_URL": urls["orders"], **(env or {})}
        self.stores = self._stores(store)
        self.servers = {}
        self.nginx = None
        self._make_servers()

    def _stores(self, store):
        if store == "sqlite":
            return {name: f"sqlite:{self.folder}/{name}.db" for name in FILES}
        if store == "json":
            return {name: f"json:{self.folder}/{name}.rows" for name in FILES}
        return dict(zip(FILES, store))

    def _make_servers(self):
        if self.setup == "gateway":
            args = ["--gateway", f"127.0.0.1:{free_port()}"]
            for name, port in self.ports.items():
                args += ["--set", f"{name}.listen=127.0.0.1:{port}",
                         "--set", f"{name}.store={self.stores[name]}"]
            server = Server(Path(self.files["orders"]).parents[1], folder=self.folder, args=args,
                            env=self.env, own_address=True)
            server.address = ("127.0.0.1", int(args[1].rpartition(":")[2]))
            self.servers = {"gateway": server}
            addresses = {"": server.address, **dict.fromkeys(FILES, server.address)}
        else:
            for name, port in self.ports.items():
                server = self.make(self.files[name], folder=self.folder, store=self.stores[name],
                                   listen=f"127.0.0.1:{port}", env=self.env)
                server.port, server.address = port, ("127.0.0.1", port)
                self.servers[name] = server
            addresses = {name: server.address for name, server in self.servers.items()}
            addresses["order"] = addresses["orders"]
        if self.setup == "nginx":
            self.nginx = Nginx(self.folder, list(self.ports.values()))
            addresses = dict.fromkeys(addresses, ("127.0.0.1", self.nginx.port))
        self.addresses = addresses

    def start(self):
        for server in self.servers.values():
            server.launch()
        for server in self.servers.values():
            server.wait_ready()
        if self.nginx is not None:
            self.nginx.start()
        return self

    def stop(self):
        """All end well."""
        if self.nginx is not None:
            self.nginx.stop()
        for server in self.servers.values():
            assert server.stop() == 0, server.log()

    def kill(self):
        if self.nginx is not None:
            self.nginx.process.kill()
        for server in self.servers.values():
            server.kill()

    def client(self):
        return Client(self.addresses, self.keys.bearer)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        if kind is None:
            self.stop()
        else:
            self.kill()


class Deployment:
    """What --url names: a gateway or proxy, or `PRODUCTS_URL,ORDERS_URL`. ROWLOCK_TOKEN is the
    token."""

    def __init__(self, url):
        from support.client import address_of_url
        addresses = [address_of_url(part) for part in url.split(",")]
        self.addresses = {"": addresses[0], "products": addresses[0], "orders": addresses[-1],
                          "order": addresses[-1]}
        self.setup = "url"
        self.headers = {"Authorization": f"Bearer {os.environ.get('ROWLOCK_TOKEN', '')}"}

    def client(self):
        return Client(self.addresses, self.headers)
