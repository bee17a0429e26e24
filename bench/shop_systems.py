"""The servers of the shop's scenario: requests with a token, on SQLite and on JSON files."""
import json
import os
import shutil

import load
import process
from http_client import Client
from process import BenchError
from systems import Rowlock

PRODUCTS = 10_000
SAMPLE = (0, 1, 777, PRODUCTS - 1)


class RowlockShop(Rowlock):
    title = "Rowlock with tokens"
    file = "shop.yaml"
    health = "/live"
    scenarios = ("product",)

    def __init__(self, work, core, binary):
        super().__init__(work, core, binary)
        self.folder = os.path.join(work, f"shop-{self.name}")
        keys = os.path.join(self.folder, "keys")
        os.mkdir(self.folder)
        process.output([self.binary, "keys", "--out", keys])
        self.token = process.output([self.binary, "token", "--key", os.path.join(keys, "jwt.key"),
                                     "--sub", "bench", "--ttl", "86400"])
        self.environment = {"JWT_PUBLIC_KEY": os.path.join(keys, "jwt.pub")}
        self.paths = os.path.join(self.folder, "paths")

    def ask(self, client, method, path, body=None, token=True):
        fields = f"Authorization: Bearer {self.token}\r\n" if token else ""
        client.send(client.text(method, path, body, fields))
        status, _, text = client.receive()
        return status, json.loads(text)

    def start_filled(self, say):
        """Fills it through its API, and looks whether the answers are right."""
        self.start()
        rows = [{"name": f"product {number}", "price": f"{number}.{number % 10}"}
                for number in range(PRODUCTS)]
        with Client(self.port) as client:
            status, made = self.ask(client, "POST", "/products", json.dumps(rows))
            if status != 201:
                raise BenchError(f"{self.name}: POST /products answered {status}: {made}")
            for number in SAMPLE:
                path, want = f"/products/{made[number]['uuid']}", rows[number]
                status, got = self.ask(client, "GET", path)
                if (status, got["name"], got["price"]) != (200, want["name"], float(want["price"])):
                    raise BenchError(f"{self.name}: GET {path} answered {status} {got}")
                status, _ = self.ask(client, "GET", path, token=False)
                if status != 401:
                    raise BenchError(f"{self.name}: GET {path} without a token answered {status}")
        with open(self.paths, "w", encoding="ascii") as file:
            file.writelines(f"/products/{row['uuid']}\n" for row in made)

    def target(self, scenario):
        if scenario == "product":
            return load.Target("paths", file=self.paths, token=self.token)
        return super().target(scenario)


class RowlockShopJson(RowlockShop):
    name = "json"
    title = "Rowlock with tokens, JSON files"

    def store_url(self):
        return f"json:{self.folder}/rows"

    def stop(self):
        super().stop()
        shutil.rmtree(os.path.join(self.folder, "rows"), ignore_errors=True)
