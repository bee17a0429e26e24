"""Orders made for products that are being deleted, while messages go astray and processes die.

Race(shop, seed).run(rounds) plays rounds, several at once, on a running Shop whose services reach each
other through an Unreliable; meanwhile either process is killed and started again, or stopped and
continued. Then all is calm, and what is there is looked at. findings: everything that may not be.

What is wrong:
  dangling   an order or a line whose product is gone
  locked     a product without orders that cannot be deleted
  loose      a product with an order that can be deleted
  lost       an order that was answered 201 is not there, though nobody deleted it
  refused    409 for an order of a product that nobody ever deleted
  strange    an answer that is none of the contract's
"""
import collections
import concurrent.futures
import os
import random
import re
import signal
import threading
import time

from support.client import BadAnswer, Disconnected

AT_ONCE = 8  # rounds
MOST_ROUNDS = 5  # times those that were asked for
CALM_LIMIT_S = 120  # without any progress
PAUSE_S = (1.2, 2.5)  # longer than the lease
SHOWN = 200

Sent = collections.namedtuple("Sent", "at method path body status answer")


class Chaos:
    """Kills and stops the processes, one trouble at a time for each, as many as `budget`."""

    def __init__(self, shop, network, budget):
        self.shop = shop
        self.network = network
        self.budget = budget
        self.busy = {name: threading.Lock() for name in shop.servers}
        self.counts = collections.Counter()
        self.pool = concurrent.futures.ThreadPoolExecutor(4)
        self.failures = []

    def _begin(self, name, what):
        enough = self.counts[what] * 2 > self.counts.total() + 1
        if enough or self.budget <= 0 or not self.busy[name].acquire(blocking=False):
            return False
        self.budget -= 1
        self.counts[what] += 1
        self.network.note(f"{name} is {what}")
        return True

    def _then(self, name, pause_s, function):
        def go():
            try:
                time.sleep(pause_s * self.network.pace)
                function()
                self.network.note(f"{name} runs again")
            except Exception as error:
                self.failures.append(f"{name} did not come back: {error}")
            finally:
                self.busy[name].release()
        self.pool.submit(go)

    def kill(self, name, pause_s):
        server = self.shop.servers[name]
        if self._begin(name, "killed"):
            server.kill()
            self._then(name, pause_s, lambda: server.launch().wait_ready())

    def freeze(self, name, pause_s):
        server = self.shop.servers[name]
        if self._begin(name, "frozen"):
            os.kill(server.process.pid, signal.SIGSTOP)
            self._then(name, pause_s, lambda: os.kill(server.process.pid, signal.SIGCONT))

    def hook(self, message, status, chance):
        """Between a hold and its commit is where it hurts. Says how long the answer is to wait."""
        if message.to != "products" or message.method != "PUT" or status != 200:
            return 0
        what = chance.random()
        if not self.counts["frozen"]:
            what = 0.0  # one of each in the shortest race
        elif not self.counts["killed"]:
            what = 0.07
        if what < 0.06:
            self.freeze("orders", chance.uniform(*PAUSE_S))
        elif what < 0.09:
            self.kill("orders", chance.uniform(0, 1.5))
        elif what < 0.12:
            self.kill("products", chance.uniform(0, 1.5))
        elif what < 0.15:
            # The lease is over, the answer still counts.
            return chance.uniform(1.1, 1.9) * self.network.pace
        return 0

    def wander(self, seed, until):
        """Troubles at any time."""
        chance = random.Random(f"{seed} chaos")
        while not until.wait(chance.uniform(0.2, 1.5)):
            name = chance.choice(["products", "orders"])
            if chance.random() < 0.6:
                self.kill(name, chance.uniform(0, 1))
            else:
                self.freeze(name, chance.uniform(0.1, PAUSE_S[1]))

    def end(self):
        self.budget = 0
        self.pool.shutdown()


class Race:
    def __init__(self, shop, network, seed, troubles):
        self.shop, self.network, self.seed = shop, network, seed
        self.chaos = Chaos(shop, network, troubles)
        network.hooks = self.chaos.hook
        self.local = threading.local()
        self.lock = threading.Lock()
        self.sent = []
        self.findings = []
        self.counts = collections.Counter()
        self.products = {}  # uuid: has anybody tried to delete it?
        self.orders = {}  # (path): product, of those that were answered 201 and not deleted
        self.senders = concurrent.futures.ThreadPoolExecutor(4 * AT_ONCE)
        self.anchor = None

    # ---- requests ----

    def ask(self, method, path, body=None):
        """The answer, or None when there is none: then it may have been done or not."""
        if not hasattr(self.local, "client"):
            self.local.client = self.shop.client()
        status = answer = None
        try:
            answer = self.local.client(method, path, body)
            status = answer.status
        except (OSError, Disconnected, BadAnswer):
            pass
        text = answer.body[:500] if answer is not None else b""
        entry = Sent(time.monotonic() - self.network.begin, method, path, body, status, text)
        with self.lock:
            self.sent.append(entry)
            if method in ("POST", "DELETE"):
                self.counts[f"{method} {path.split('/')[1]} {status}"] += 1
        if status is not None and status not in (200, 201, 204, 404, 409, 503, 504):
            self.find("strange", f"{method} {path} -> {answer}", path)
        if status == 503 and not answer.headers.get("retry-after"):
            self.find("strange", f"{method} {path}: 503 without Retry-After: {answer}", path)
        return answer

    def insist(self, method, path, body=None, wanted=(200, 201, 204)):
        """Repeats it until it is answered so."""
        deadline = time.monotonic() + CALM_LIMIT_S
        while True:
            answer = self.ask(method, path, body)
            if answer is not None and answer.status in wanted:
                return answer
            assert time.monotonic() < deadline, (method, path, answer, self.story(path))
            time.sleep(0.05)

    def find(self, what, text, *about):
        with self.lock:
            self.findings.append((what, text, about))

    # ---- a round ----

    def new_product(self):
        product = self.insist("POST", "/products", {"name": "a", "price": 1}).json()["uuid"]
        with self.lock:
            self.products[product] = False
        return product

    def take_order(self, product, kind):
        """Orders the product; says under which paths an order is there for certain."""
        path, body = "/orders", {"quantity": 1, "product_uuid": product}
        if kind == "line":
            path, body = f"/orders/{self.anchor[0]}/lines", {"product_uuid": product, "quantity": 1}
        elif kind == "many":
            body = [body, {"quantity": 2, "product_uuid": self.anchor[1]},
                    {"quantity": 3, "product_uuid": product}]
        answer = self.ask("POST", path, body)
        if answer is None or answer.status != 201:
            if answer is not None and answer.status == 409 and not self.products[product] and \
                    b"23505" not in answer.body:
                self.find("refused", f"nobody deleted it: {answer}", product)
            return
        if kind == "line":
            made = {f"/orders/{self.anchor[0]}/lines/{product}": product}
        else:
            rows = answer.json() if kind == "many" else [answer.json()]
            made = {f"/orders/{row['uuid']}": row["product_uuid"] for row in rows}
        with self.lock:
            self.orders.update(made)

    def cancel(self, path):
        """Deletes an order; from now on it may be there or not."""
        with self.lock:
            product = self.orders.pop(path)
        answer = self.ask("DELETE", path)
        if answer is not None and answer.status == 404:
            self.find("lost", f"{path} of {product} is not there", path.split("/")[2], product)

    def delete_product(self, product):
        self.products[product] = True
        return self.ask("DELETE", f"/products/{product}")

    def together(self, chance, *jobs):
        """Runs (function, arguments …) at about the same time."""
        def job(function, *arguments, wait_s):
            time.sleep(wait_s)
            return function(*arguments)

        running = [self.senders.submit(job, *each, wait_s=chance.choice((0, 0, chance.uniform(0, .05))))
                   for each in jobs]
        return [each.result() for each in running]

    def play(self, number):
        chance = random.Random(f"{self.seed} round {number}")
        product = self.new_product()
        kinds = [chance.choice(("order", "order", "line", "many")) for _ in range(chance.randint(1, 3))]
        takers = [(self.take_order, product, kind) for kind in kinds]
        deleter = (self.delete_product, product)
        course = chance.random()
        if course < 0.6:
            self.together(chance, *takers, deleter)
        elif course < 0.7:
            self.together(chance, *takers)  # nobody deletes: nobody may be told that it is gone
        else:
            self.together(chance, *takers)
            with self.lock:
                made = [path for path, of in self.orders.items()
                        if of == product and chance.random() < 0.8]
            self.together(chance, *((self.cancel, path) for path in made), *takers[:1], deleter, deleter)
        self.look(product)

    def look(self, product):
        """While everything goes on: whose product is gone is gone, too."""
        gone = self.insist("GET", f"/products/{product}", wanted=(200, 404)).status == 404
        if gone:
            for path in (f"/orders?product_uuid={product}", f"/order_lines?product_uuid=eq.{product}"):
                rows = self.insist("GET", path).json()
                if rows:
                    self.find("dangling", f"{product} is gone, and there is {rows}", product)

    # ---- all of it ----

    def play_all(self, pool, numbers):
        players = [pool.submit(self.play, number) for number in numbers]
        try:
            for player in concurrent.futures.as_completed(players):
                player.result()
        finally:
            for player in players:
                player.cancel()

    def run(self, rounds):
        self.anchor = (None, self.new_product())
        self.anchor = (self.insist("POST", "/orders", {
            "quantity": 1, "product_uuid": self.anchor[1]}).json()["uuid"], self.anchor[1])
        self.orders[f"/orders/{self.anchor[0]}"] = self.anchor[1]
        over = threading.Event()
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE + 1) as pool:
            wandering = pool.submit(self.chaos.wander, self.seed, over)
            try:
                self.play_all(pool, range(rounds))
                # On a slow machine troubles leave little time for orders: then it lasts longer.
                for first in range(rounds, MOST_ROUNDS * rounds, AT_ONCE):
                    if self.counts["POST orders 201"] > rounds // 6:
                        break
                    self.play_all(pool, range(first, first + AT_ONCE))
            finally:
                over.set()
            wandering.result()
        self.chaos.end()
        self.senders.shutdown()
        self.network.calm()
        self.network.drain()
        assert not self.chaos.failures, self.chaos.failures
        self.settle()
        return self

    def rows(self):
        """{order or line as its path: its product}, of all that are there."""
        orders = self.insist("GET", "/orders").json()
        lines = self.insist("GET", "/order_lines").json()
        return {**{f"/orders/{row['uuid']}": row["product_uuid"] for row in orders},
                **{f"/orders/{row['order_uuid']}/lines/{row['product_uuid']}": row["product_uuid"]
                   for row in lines}}

    def settle(self):
        """Both run, nothing is asked for any more."""
        booked = self.rows()
        there = {row["uuid"] for row in self.insist("GET", "/products").json()}
        for path, product in booked.items():
            if product not in there:
                self.find("dangling", f"{path} refers to {product}, which is gone",
                          path.split("/")[2], product)
        for path, product in self.orders.items():
            if path not in booked:
                self.find("lost", f"{path} of {product} is not there", path.split("/")[2], product)
        held = set(booked.values())
        for product in sorted(held & there):
            if self.insist("DELETE", f"/products/{product}", wanted=(204, 404, 409)).status != 409:
                self.find("loose", f"{product} was deleted, and there are orders of it", product)
        self.delete_all(there - held)
        if self.findings:
            return
        for path in sorted(booked, key=len, reverse=True):  # lines before their orders
            self.insist("DELETE", path, wanted=(204, 404))
        self.delete_all(held & there)

    def delete_all(self, products):
        """Nobody refers to them: soon each can be deleted."""
        left = sorted(products)
        progress = time.monotonic()
        while left and time.monotonic() < progress + CALM_LIMIT_S:
            answers = [(product, self.ask("DELETE", f"/products/{product}")) for product in left]
            still = [product for product, answer in answers
                     if answer is None or answer.status not in (204, 404)]
            if len(still) < len(left):
                progress = time.monotonic()
            left = still
            if left:
                time.sleep(0.25)
        for product in left:
            self.find("locked", f"{product} has no order, and cannot be deleted", product)

    # ---- what is told ----

    def story(self, *about):
        """The requests and messages about these, and about the holds that they name."""
        words = {word for text in about for word in re.findall("[0-9a-f-]{36}", text)}
        notes = [note for note in self.network.notes if any(word in note for word in words)]
        ids = set()
        if notes:
            for note in notes[:20]:
                ids |= set(re.findall("[0-9a-f]{8}-[0-9a-f-]{27}", note)[:6])
        words |= ids if len(ids) < 50 else set()
        lines = [note for note in self.network.notes if any(word in note for word in words)
                 or note.endswith(("killed", "frozen", "again"))]
        lines += [f"{sent.at:8.3f} {sent.method} {sent.path} {sent.body or ''} -> {sent.status} "
                  f"{sent.answer.decode('utf-8', 'replace')}" for sent in list(self.sent)
                  if any(word in f"{sent.path} {sent.body} {sent.answer}" for word in words)]
        return "\n".join(sorted(lines)[:SHOWN])

    def check(self):
        """Nothing is wrong; else everything about the first thing that is."""
        if self.findings:
            what, text, about = self.findings[0]
            kinds = collections.Counter(finding[0] for finding in self.findings)
            raise AssertionError(f"ROWLOCK_SEED={self.seed}: {dict(kinds)}\n{what}: {text}\n"
                                 f"{self.story(*about)}")
