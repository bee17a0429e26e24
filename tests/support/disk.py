"""A disk that loses power: what a recorded sequence of calls leaves on it at every moment.

The rules, which are those of Linux and ext4 without the comfort of any luck:
- What was written reaches the disk at a successful sync of the file. Before it, every sector of 512
  bytes may have any of the contents that it had since the last sync, each sector for itself; the
  file's length likewise, but a truncation comes before what was written after it.
- After a sync that failed, the pages count as clean though they never were written: reads still
  show them, a later sync leaves them out, and only writing to the same page again (4 KiB, as the
  kernel keeps them) sends it to the disk.
- A file that was created, removed or renamed is so on the disk after its directory was synced;
  before that, each such change may or may not have happened.
"""
import random
from dataclasses import dataclass, field

SECTOR = 512
PAGE = 4096

KEPT, DROPPED, TORN = "kept", "dropped", "torn"


@dataclass(frozen=True)
class Write:
    order: int
    offset: int
    data: bytes


@dataclass(frozen=True)
class Resize:
    order: int
    size: int


def put(image, offset, data):
    if offset > len(image):
        image.extend(bytes(offset - len(image)))
    image[offset:offset + len(data)] = data


def resize(image, size):
    if size < len(image):
        del image[size:]
    else:
        image.extend(bytes(size - len(image)))


def apply(image, op):
    if isinstance(op, Resize):
        resize(image, op.size)
    else:
        put(image, op.offset, op.data)


def pages(op):
    if isinstance(op, Resize) or not op.data:
        return set()
    return set(range(op.offset // PAGE, (op.offset + len(op.data) - 1) // PAGE + 1))


def sectors_of(op):
    """The write in pieces that each lie within one sector."""
    at = op.offset
    end = op.offset + len(op.data)
    while at < end:
        stop = min(end, (at // SECTOR + 1) * SECTOR)
        yield at // SECTOR, at, op.data[at - op.offset:stop - op.offset]
        at = stop


def torn(image, ops, rng):
    """The image after a random part of the operations reached the disk."""
    resizes = [number for number, op in enumerate(ops) if isinstance(op, Resize)]
    # Resizes reach the disk in their order, and what follows one that did not stays away too.
    stop = rng.choice([*resizes, len(ops)])
    last = max((number for number in resizes if number < stop), default=-1)
    result = bytearray(image)
    for number, op in enumerate(ops[:last + 1]):
        if isinstance(op, Resize) or rng.random() < 0.5:
            apply(result, op)
    pieces = {}
    for op in ops[last + 1:stop]:
        for sector, at, data in sectors_of(op):
            pieces.setdefault(sector, []).append((at, data))
    share = rng.choice((0.1, 0.5, 0.9))
    for writes in pieces.values():
        count = len(writes) if rng.random() < share else rng.randrange(len(writes))
        for at, data in writes[:count]:
            put(result, at, data)
    return result


@dataclass
class Inode:
    durable: bytearray = field(default_factory=bytearray)
    pending: list = field(default_factory=list)
    lost: list = field(default_factory=list)

    def sync(self, before):
        """All that was done before that moment is on the disk."""
        done = [op for op in self.pending if op.order < before]
        self.pending = [op for op in self.pending if op.order >= before]
        again = set().union(*map(pages, done)) if done else set()
        still_lost = []
        for op in self.lost:
            for page in pages(op):
                first = max(op.offset, page * PAGE)
                last = min(op.offset + len(op.data), (page + 1) * PAGE)
                piece = Write(op.order, first, op.data[first - op.offset:last - op.offset])
                if page in again:
                    put(self.durable, piece.offset, piece.data)
                else:
                    still_lost.append(piece)
        self.lost = still_lost
        for op in done:
            apply(self.durable, op)
            if isinstance(op, Resize):
                self.lost = [one for one in self.lost if one.offset < op.size]

    def fail_sync(self, fate, rng):
        """The sync reported an error: some of it may be on the disk, and it all counts as clean."""
        if fate == KEPT:
            self.sync(float("inf"))
            return
        if fate == TORN:
            self.durable = torn(self.durable, self.pending, rng)
        for op in self.pending:
            if isinstance(op, Resize):
                # The length is the file system's own, in its journal, not in these pages.
                resize(self.durable, op.size)
                self.lost = [one for one in self.lost if one.offset < op.size]
            else:
                self.lost.append(op)
        self.pending = []

    def state(self, mode, rng):
        if mode == DROPPED:
            return self.durable
        if mode == TORN:
            return torn(self.durable, self.pending, rng)
        image = bytearray(self.durable)
        for op in self.pending:
            apply(image, op)
        return image


class Disk:
    """One directory of files. `fate` is what becomes of data whose sync failed."""

    def __init__(self, fate=DROPPED, seed=0):
        self.fate = fate
        self.rng = random.Random(f"{fate} {seed}")
        self.order = 0
        self.names = {}      # as programs see them
        self.durable = {}    # as they are on the disk
        self.pending = []    # changes of names since the last sync: [(name, inode | None), …]

    def _next(self):
        self.order += 1
        return self.order

    def exists(self, name):
        return name in self.names

    def create(self, name):
        self.names[name] = Inode()
        self.pending.append([(name, self.names[name])])

    def unlink(self, name):
        del self.names[name]
        self.pending.append([(name, None)])

    def rename(self, old, new):
        self.names[new] = self.names.pop(old)
        self.pending.append([(old, None), (new, self.names[new])])

    def write(self, name, offset, data):
        self.names[name].pending.append(Write(self._next(), offset, data))

    def truncate(self, name, size):
        self.names[name].pending.append(Resize(self._next(), size))

    def moment(self):
        """Everything from now on is after this moment."""
        return self._next()

    def sync(self, name, before):
        self.names[name].sync(before)

    def fail_sync(self, name):
        self.names[name].fail_sync(self.fate, self.rng)

    def sync_names(self):
        for change in self.pending:
            self._change(self.durable, change)
        self.pending = []

    @staticmethod
    def _change(names, change):
        for name, inode in change:
            if inode is None:
                names.pop(name, None)
            else:
                names[name] = inode

    def after_power_cut(self, mode, rng):
        """{name: bytes} of one state that the disk may be in. `mode` is KEPT or DROPPED for all
        that is not synced, or TORN: any part of it, each file and name for itself."""
        names = dict(self.durable)
        for change in self.pending:
            if mode == KEPT or (mode == TORN and rng.random() < 0.5):
                self._change(names, change)
        files = {}
        for name, inode in names.items():
            how = rng.choice((TORN, TORN, KEPT, DROPPED)) if mode == TORN else mode
            files[name] = bytes(inode.state(how, rng))
        return files
