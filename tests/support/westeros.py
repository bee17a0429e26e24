"""services/westeros as it runs: three processes, or one with a gateway."""
import itertools
import random
import re
import time
from pathlib import Path

from support.client import Connection, address_of_url, request
from support.server import ROOT, Server, free_port

FOLDER = ROOT / "services" / "westeros"
NAMES = ("places", "people", "people-per-place")
LINK_KEY = "what the services of the tests share"
LIMIT_S = 120  # for what happens behind the answers

# Names that no other run uses, so that a deployment may have rows already.
names = (f"Q{number:x}" for number in itertools.count(random.SystemRandom().randrange(2 ** 60)))


class Client:
    """Requests to whichever service has the path. `addresses` by the first part of the path."""

    def __init__(self, addresses):
        self.addresses = addresses
        self.connections = {}

    def __call__(self, method, path, body=None, headers=()):
        connection = self.connection(path)
        answer = connection.request(method, path, body, headers)
        if answer.closes:
            self.close()
        return answer

    def connection(self, path):
        address = self.addresses[re.match("/([a-z-]*)", path)[1]]
        if address not in self.connections:
            self.connections[address] = Connection(address)
        return self.connections[address]

    def make(self, path, **fields):
        """The row that was added."""
        answer = self("POST", path, fields)
        assert answer.status == 201, answer
        return answer.json()

    def get(self, path):
        answer = self("GET", path)
        assert answer.status == 200, answer
        return answer.json()

    def delete_free(self, path):
        """Deletes what nobody refers to any more: its owner hears of that soon after it is so."""
        deadline = time.monotonic() + LIMIT_S
        while (answer := self("DELETE", path)).status != 204:
            assert answer.status == 409 and time.monotonic() < deadline, answer
            time.sleep(0.02)

    def close(self):
        while self.connections:
            self.connections.popitem()[1].close()


class Deployment:
    """What --url names: a gateway or proxy, or the three addresses in the order of NAMES."""

    def __init__(self, url):
        addresses = [address_of_url(part) for part in url.split(",")]
        assert len(addresses) in (1, len(NAMES)), "--url takes one address, or three"
        self.addresses = dict(zip(NAMES, itertools.cycle(addresses)))

    def client(self):
        return Client(self.addresses)


class Westeros(Deployment):
    """The three services, each on a port of its own, in processes of their own unless `gateway`.
    `stores` are the URLs for places and people; `sample` is the SAMPLE of both."""

    def __init__(self, folder, stores=None, gateway=False, sample=None, **env):
        self.folder = Path(folder)
        self.ports = {name: free_port() for name in NAMES}
        self.env = {"LINK_KEY": LINK_KEY, **env}
        for name in ("places", "people"):
            self.env[f"{name.upper()}_URL"] = f"http://127.0.0.1:{self.ports[name]}"
        if sample is not None:
            self.env["SAMPLE"] = str(sample)
        stores = stores or [f"sqlite:{self.folder}/{name}.db" for name in ("places", "people")]
        self.stores = dict(zip(NAMES, [*stores, "memory:"]))
        self.servers = {}
        if gateway:
            self._make_gateway()
        else:
            self._make_processes()

    def _make_gateway(self):
        args = ["--gateway", f"127.0.0.1:{free_port()}"]
        for name, port in self.ports.items():
            args += ["--set", f"{name}.listen=127.0.0.1:{port}",
                     "--set", f"{name}.store={self.stores[name]}"]
        server = Server(FOLDER, folder=self.folder, args=args, env=self.env, own_address=True)
        server.address = ("127.0.0.1", int(args[1].rpartition(":")[2]))
        self.servers = {"gateway": server}
        self.addresses = dict.fromkeys(NAMES, server.address)

    def _make_processes(self):
        for name, port in self.ports.items():
            server = Server(FOLDER / name / "service.yaml", folder=self.folder, env=self.env,
                            store=self.stores[name], listen=f"127.0.0.1:{port}")
            server.port, server.address = port, ("127.0.0.1", port)
            self.servers[name] = server
        self.addresses = {name: server.address for name, server in self.servers.items()}

    def start(self, limit_s=LIMIT_S):
        for server in self.servers.values():
            server.launch()
        for server in self.servers.values():
            server.wait_ready()
            wait_loaded(server, limit_s)
        return self

    def stop(self):
        """All end well."""
        for server in self.servers.values():
            assert server.stop() == 0, server.log()

    def kill(self):
        for server in self.servers.values():
            server.kill()

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        if kind is None:
            self.stop()
        else:
            self.kill()


def wait_loaded(server, limit_s=LIMIT_S):
    deadline = time.monotonic() + limit_s
    while (answer := request(server.address, "GET", "/ready")).status != 200:
        assert answer.status == 503 and time.monotonic() < deadline, (answer, server.log())
        time.sleep(0.05)
