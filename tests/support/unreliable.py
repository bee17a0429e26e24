"""A network between services that loses, repeats, delays and reorders their messages.

`Unreliable` listens on a port for each service and passes on what comes. Whole requests are read;
those below /.rowlock/ meet a fate, the same one for the same seed, direction and number. Other
requests, and all after calm(), go straight through. Each message and what became of it is noted.

Runs on an event loop in a thread of its own.
"""
import asyncio
import random
import threading
import time

HEAD_LIMIT = 1 << 20
HISTORY = 200  # messages that may come once more
UPSTREAM_S = 30  # for an answer


class Cut(Exception):
    """The connection ends within a message."""


async def read_message(reader, has_body=True):
    """(bytes of a request or answer, its first line, its body), or None at the end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise Cut from error
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    fields = {}
    for line in lines:
        name, _, value = line.partition(":")
        fields[name.lower()] = value.strip()
    body = parts = b""
    try:
        if not has_body or first.split(" ")[1] in ("204", "304"):
            pass
        elif "transfer-encoding" in fields:
            while parts[-5:] != b"0\r\n\r\n":
                line = await reader.readuntil(b"\r\n")
                part = await reader.readexactly(int(line, 16) + 2)
                parts += line + part
                body += part[:-2]
        else:
            body = parts = await reader.readexactly(int(fields.get("content-length", 0)))
    except asyncio.IncompleteReadError as error:
        raise Cut from error
    return head + parts, first, body


class Message:
    """One request of a service to another."""

    def __init__(self, number, to, raw, first, body):
        self.number, self.to, self.raw, self.body = number, to, raw, body
        self.method, self.path, _ = first.split(" ", 2)

    def is_between_services(self):
        return self.path.startswith("/.rowlock/")


class Unreliable:
    """`hooks` is called in the loop, as hooks(message, status, chance), before an answer goes back;
    it says for how many seconds more that is to wait. `pace` scales all delays."""

    def __init__(self, seed, pace=1.0, hooks=None):
        self.seed = seed
        self.pace = pace
        self.hooks = hooks
        self.is_calm = False
        self.targets = {}  # to whom: the port
        self.numbers = {}
        self.history = []
        self.notes = []
        self.begin = time.monotonic()
        self.servers = []
        self.tasks = set()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    # ---- from outside ----

    def start(self):
        self.thread.start()
        return self

    def listen(self, name, port, target):
        """What comes to `port` goes to the service of that name at `target`."""
        self.targets[name], self.numbers[name] = target, 0

        async def open_port():
            self.servers.append(await asyncio.start_server(
                lambda reader, writer: self._serve(name, reader, writer), "127.0.0.1", port,
                limit=HEAD_LIMIT))

        asyncio.run_coroutine_threadsafe(open_port(), self.loop).result(30)

    def calm(self):
        """From now on everything arrives; what was delayed arrives by and by."""
        self.is_calm = True

    def drain(self):
        """Waits until what was delayed has arrived."""
        while self.tasks:
            time.sleep(0.02)

    def stop(self):
        async def close():
            for server in self.servers:
                server.close()
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(close(), self.loop).result(30)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def note(self, text):
        self.notes.append(f"{time.monotonic() - self.begin:8.3f} {text}")

    # ---- messages ----

    def _later(self, coroutine):
        task = self.loop.create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _serve(self, name, reader, writer):
        try:
            while (read := await read_message(reader)) is not None:
                self.numbers[name] += 1
                message = Message(self.numbers[name], name, *read)
                between = message.is_between_services()
                answer = await (self._meet(message) if between else self._pass(message))
                if answer is None:
                    return
                writer.write(answer)
                await writer.drain()
        except (Cut, OSError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _pass(self, message, how=None):
        """The answer, or None when there is none."""
        status, answer = "none", None
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.targets[message.to],
                                                           limit=HEAD_LIMIT)
            try:
                writer.write(message.raw)
                read = await asyncio.wait_for(read_message(reader, message.method != "HEAD"),
                                              UPSTREAM_S)
                if read is not None:
                    answer, status = read[0], read[1].split(" ")[1]
                    if how is not None and read[2]:
                        status += " " + read[2].decode("utf-8", "replace")[:2000]
            finally:
                writer.close()
        except (Cut, OSError, asyncio.TimeoutError, asyncio.LimitOverrunError):
            pass
        if how is not None:
            self.note(f"{message.to} {message.number} {how}: {message.method} {message.path} "
                      f"{message.body.decode('utf-8', 'replace')[:2000]} -> {status}")
        return answer

    async def _pass_later(self, message, how, most_s, chance):
        await asyncio.sleep(chance.uniform(0, most_s) * self.pace)
        await self._pass(message, how)

    async def _answer(self, message, how, chance, wait_s=0):
        """Passes it on; whoever watches may do something, and its answer may take its time."""
        answer = await self._pass(message, how)
        if answer is None:
            return None
        if self.hooks is not None and not self.is_calm:
            wait_s += self.hooks(message, int(answer[9:12]), chance)
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        return answer

    async def _meet(self, message):
        chance = random.Random(f"{self.seed} {message.to} {message.number}")
        self.history = self.history[-HISTORY:] + [message]
        if self.is_calm:
            return await self._pass(message, "passed")
        if chance.random() < 0.1:
            self._later(self._pass_later(chance.choice(self.history), "repeated much later", 2,
                                         chance))
        fate = chance.random()
        if fate < 0.5:
            return await self._answer(message, "passed", chance)
        if fate < 0.6:
            for _ in range(chance.randint(1, 3)):
                self._later(self._pass_later(message, "repeated", 3, chance))
            return await self._answer(message, "passed, repeated soon", chance)
        if fate < 0.7:
            await asyncio.sleep(chance.uniform(0, 1.5) * self.pace)
            return await self._answer(message, "delayed", chance)
        if fate < 0.8:
            wait_s = chance.uniform(0, 1.9) * self.pace
            return await self._answer(message, "answer delayed", chance, wait_s)
        if fate < 0.87:
            self.note(f"{message.to} {message.number} lost: {message.method} {message.path} "
                      f"{message.body.decode('utf-8', 'replace')[:2000]}")
        elif fate < 0.94:
            await self._answer(message, "answer lost", chance)
        else:
            self._later(self._pass_later(message, "answer lost, message delayed", 4, chance))
        return None
