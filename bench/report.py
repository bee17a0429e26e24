"""Medians, ratios and targets: the tables on the screen and in README.md."""
import dataclasses
import os
import statistics

from systems import HERE

BEGIN = "<!-- results: begin -->"
END = "<!-- results: end -->"
WRITES = ("mixed", "put")

# One of them at most in each scenario.
PEERS = {"flask": "Flask", "fastify": "Fastify", "gunicorn": "Flask + SQLAlchemy + Redis",
         "maria_loop": "a plain loop"}
TRANSFER_PEERS = ("loop", "gunicorn", "sqlite3")

# scenario: (CPU per request against nginx's constant, at most; requests/s against the peer, at
# least)
TARGETS = {"constant": (1.1, None), "list": (2.2, 20), "put": (3.5, 8),
           "point": (2.0, None), "item": (2.0, None), "unchanged": (1.2, None),
           "article": (1.3, 30), "product": (2.5, None)}
IDLE_TARGETS = {"growth_kib": 8, "resident_mib": 20, "start_ms": 100}
STREAM_TARGETS = {"growth_mib": 16, "rate": 0.7}  # memory; rows/s against the plain loop
IMPORT_TARGETS = {"growth_mib": 64, "rows_per_s": 300000}
QUERY_TARGET_US = 5
SEARCH_TARGET = 0.3        # CPU per cached request against the same without a cache
POINT_TARGET = 0.8         # requests/s against the plain loop on MariaDB
SUBSTRING_TARGET_MS = 10   # p99
BULK_TARGET = 10           # rows/s against the peer
JSON_UPDATE_TARGETS = {"tinydb": ("TinyDB", 1000), "sqlite": ("SQLite", 0.5)}
JSON_GET_TARGET = 1000000  # records/s
CSV_TARGETS = {"growth_mib": 64, "rate": 1.0}  # memory; rows/s against the sqlite3 shell


@dataclasses.dataclass
class Results:
    """All that was measured; the rounds are in order."""

    loads: dict = dataclasses.field(default_factory=dict)      # {scenario: {system: [Window]}}
    rests: dict = dataclasses.field(default_factory=dict)      # {system: Idle}
    transfers: dict = dataclasses.field(default_factory=dict)  # {scenario: {system: [Transfer]}}
    operations: dict = dataclasses.field(default_factory=dict)  # {scenario: {system: [Operations]}}
    query_ns: list = dataclasses.field(default_factory=list)
    failures: list = dataclasses.field(default_factory=list)   # (scenario, system, why)


def median(windows, field):
    return statistics.median(getattr(window, field) for window in windows)


def ratio(over, under, field):
    """The median of the ratios of the rounds, or None without both sides."""
    if not over or not under:
        return None
    return statistics.median(getattr(a, field) / getattr(b, field)
                             for a, b in zip(over, under))


def number(value, digits=2):
    return "-" if value is None else f"{value:.{digits}f}"


def noise(results, limit=0.1):
    """A sentence about windows in which others used a core, or None."""
    windows = [w for systems in results.values() for rounds in systems.values() for w in rounds]
    noisy = sum(1 for w in windows if max(w.foreign, w.load_foreign) > limit)
    if noisy == 0:
        return None
    return (f"others used more than {limit * 100:.0f} % of a core in {noisy} of {len(windows)} "
            "windows: rates and latencies suffer from it; CPU per request less")


def table(header, rows):
    """A Markdown table with its columns lined up; all but the first two to the right."""
    widths = [max(len(str(row[i])) for row in [header] + rows) for i in range(len(header))]

    def line(row):
        cells = [str(cell).ljust(width) if i < 2 else str(cell).rjust(width)
                 for i, (cell, width) in enumerate(zip(row, widths))]
        return "| " + " | ".join(cells) + " |"

    rule = "|" + "|".join("-" * (width + 2) if i < 2 else "-" * (width + 1) + ":"
                          for i, width in enumerate(widths)) + "|"
    return "\n".join([line(header), rule] + [line(row) for row in rows])


def peer_of(systems):
    """The windows of the peer that answers the same scenario, or None."""
    return next((systems[name] for name in PEERS if name in systems), None)


def peer_name(systems):
    return next((PEERS[name] for name in PEERS if name in systems), None)


def ms(value_us):
    """A loop that is its own load has no latencies."""
    return "-" if value_us == 0 else f"{value_us / 1000:.2f}"


def measured(loads, titles):
    """loads: those of Results."""
    rows = []
    for scenario, systems in loads.items():
        for name, windows in systems.items():
            if not windows or (name == "nginx" and scenario != "constant"):
                continue
            rows.append((
                scenario, titles[name], f"{median(windows, 'cpu_us'):.2f}",
                f"{median(windows, 'rps'):.0f}", ms(median(windows, "p50_us")),
                ms(median(windows, "p99_us")),
                number(ratio(windows, systems.get("nginx"), "cpu_us")),
                number(ratio(windows, peer_of(systems), "rps"), 1),
                f"{median(windows, 'busy') * 100:.0f} %",
                f"{max(w.foreign for w in windows) * 100:.0f} / "
                f"{max(w.load_foreign for w in windows) * 100:.0f} %"))
    return table(("scenario", "system", "CPU µs/request", "requests/s", "p50 ms", "p99 ms",
                  "CPU × nginx", "rate × peer", "core used", "others (server / load)"), rows)


def idle_table(idle, titles):
    rows = [(titles[name], f"{rest.connections}", f"{rest.growth_bytes / 1024:.2f}",
             f"{rest.resident_bytes / 2**20:.1f}",
             "-" if rest.start_ms < 0 else f"{rest.start_ms:.1f}")
            for name, rest in idle.items()]
    return table(("system", "idle connections", "KiB/connection", "resident MiB", "start ms"),
                 rows)


def growth_mib(transfers):
    """The most of all rounds: a bound is a bound."""
    return max(transfer.growth_bytes for transfer in transfers) / 2**20


def transfer_table(transfers, titles):
    rows = []
    for scenario, systems in transfers.items():
        for name, rounds in systems.items():
            if rounds:
                peer = next((systems[name] for name in TRANSFER_PEERS if name in systems), None)
                rows.append((
                    scenario, titles[name], f"{median(rounds, 'rows_per_s'):.0f}",
                    f"{median(rounds, 'bytes') / median(rounds, 'seconds') / 2**20:.0f}",
                    f"{median(rounds, 'cpu_us'):.2f}", f"{growth_mib(rounds):.1f}",
                    number(ratio(rounds, peer, "rows_per_s"))))
    return table(("scenario", "system", "rows/s", "MiB/s", "CPU µs/row", "memory growth MiB",
                  "rate × peer"), rows)


def times(value):
    """Ratios of all sizes."""
    return number(value, 1 if value is None or value >= 10 else 2 if value >= 0.1 else 6)


def operations_table(operations, titles):
    """How often as many as each of the others; a round is compared with itself."""
    rows = []
    for scenario, systems in operations.items():
        for name, rounds in systems.items():
            if rounds:
                rows.append((
                    scenario, titles[name], f"{sum(window.operations for window in rounds)}",
                    f"{median(rounds, 'rate'):.{1 if median(rounds, 'rate') < 100 else 0}f}",
                    f"{median(rounds, 'cpu_us'):.2f}",
                    *(times(ratio(rounds, systems.get(peer), "rate"))
                      for peer in ("sqlite", "tinydb", "lowdb"))))
    return table(("scenario", "system", "operations", "operations/s", "CPU µs/operation",
                  "× SQLite", "× TinyDB", "× lowdb"), rows)


def json_verdicts(results, add):
    """The rows of jsonstore; add: that of verdicts()."""
    systems = results.operations.get("json_update", {})
    for peer, (title, least) in JSON_UPDATE_TARGETS.items():
        add("json_update", f"durable updates/s × {title}",
            ratio(systems.get("jsonstore"), systems.get(peer), "rate"), least, False, 1)
    own = results.operations.get("json_get", {}).get("jsonstore")
    if own:
        add("json_get", "records/s by key, one core", median(own, "rate"), JSON_GET_TARGET,
            False, 0)


def verdicts(results):
    """Rows (scenario, target, wanted, measured, verdict) for the server under test."""
    rows = [(scenario, f"{name} measured without an error", "yes", "no", "MISS")
            for scenario, name, _ in results.failures]

    def add(scenario, what, value, bound, at_most, digits=2):
        if value is not None:
            kept = value <= bound if at_most else value >= bound
            rows.append((scenario, what, f"{'≤' if at_most else '≥'} {bound}",
                         f"{value:.{digits}f}", "pass" if kept else "MISS"))

    for scenario, (cpu, rate) in TARGETS.items():
        systems = results.loads.get(scenario, {})
        own = systems.get("rowlock")
        add(scenario, "CPU/request × nginx's constant",
            ratio(own, systems.get("nginx"), "cpu_us"), cpu, True)
        if rate is not None:
            add(scenario, f"requests/s × {peer_name(systems)}",
                ratio(own, peer_of(systems), "rps"), rate, False, 1)
    articles_verdicts(results, add)
    shop = results.loads.get("product", {})
    add("product", "CPU/request × nginx's constant, JSON files",
        ratio(shop.get("json"), shop.get("nginx"), "cpu_us"), TARGETS["product"][0], True)
    json_verdicts(results, add)
    if results.query_ns:
        add("query", "µs of parse, check and SQL text", statistics.median(results.query_ns) / 1000,
            QUERY_TARGET_US, True)
    for scenario, systems in results.transfers.items():
        own = systems.get("rowlock")
        if not own or scenario in ("bulk", "csv_import"):
            continue
        if scenario == "import":
            add(scenario, "rows/s", median(own, "rows_per_s"), IMPORT_TARGETS["rows_per_s"], False,
                0)
            add(scenario, "MiB that memory grows by", growth_mib(own),
                IMPORT_TARGETS["growth_mib"], True, 1)
            continue
        add(scenario, "rows/s × a plain loop", ratio(own, systems.get("loop"), "rows_per_s"),
            STREAM_TARGETS["rate"], False)
        add(scenario, "MiB that memory grows by", growth_mib(own), STREAM_TARGETS["growth_mib"],
            True, 1)
    if "rowlock" in results.rests:
        rest = results.rests["rowlock"]
        add("idle", "KiB per idle connection", rest.growth_bytes / 1024,
            IDLE_TARGETS["growth_kib"], True)
        add("idle", "resident MiB", rest.resident_bytes / 2**20,
            IDLE_TARGETS["resident_mib"], True, 1)
        add("idle", "ms from start to the first answer", rest.start_ms,
            IDLE_TARGETS["start_ms"], True, 1)
    return rows


def articles_verdicts(results, add):
    """The rows of the articles' scenarios; add: that of verdicts()."""
    systems = results.loads.get("search", {})
    for name, place in (("maria", "memory"), ("maria_redis", "Redis")):
        add("search", f"CPU/request of answers in {place} × those without a cache",
            ratio(systems.get(name), systems.get("maria_off"), "cpu_us"), SEARCH_TARGET, True)
    systems = results.loads.get("maria_point", {})
    add("maria_point", "requests/s × a plain loop",
        ratio(systems.get("maria_off"), systems.get("maria_loop"), "rps"), POINT_TARGET, False)
    for scenario in ("substring_1", "substring_4"):
        own = results.loads.get(scenario, {}).get("rowlock")
        if own:
            add(scenario, "p99 ms", median(own, "p99_us") / 1000, SUBSTRING_TARGET_MS, True)
    systems = results.transfers.get("bulk", {})
    for name, place in (("rowlock", "SQLite"), ("maria", "MariaDB")):
        add("bulk", f"rows/s on {place} × {PEERS['gunicorn']}",
            ratio(systems.get(name), systems.get("gunicorn"), "rows_per_s"), BULK_TARGET, False, 1)
    systems = results.transfers.get("csv_import", {})
    own = systems.get("rowlock")
    if own:
        add("csv_import", "rows/s × sqlite3 .import",
            ratio(own, systems.get("sqlite3"), "rows_per_s"), CSV_TARGETS["rate"], False)
        add("csv_import", "MiB that memory grows by", growth_mib(own), CSV_TARGETS["growth_mib"],
            True, 1)


def render(results, titles, facts):
    """The report as Markdown; facts: [(label, text)]."""
    if noise(results.loads) is not None:
        facts = facts + [("noise", noise(results.loads))]
    parts = ["\n".join(f"- {label}: {text}" for label, text in facts)]
    if results.loads:
        parts.append(measured(results.loads, titles))
    if results.transfers:
        parts.append(transfer_table(results.transfers, titles))
    if any(rounds for systems in results.operations.values() for rounds in systems.values()):
        parts.append(operations_table(results.operations, titles))
    if results.rests:
        parts.append(idle_table(results.rests, titles))
    rows = verdicts(results)
    if rows:
        parts.append(table(("scenario", "target", "wanted", "measured", "verdict"), rows))
    return "\n\n".join(parts)


def write_readme(text):
    """Replaces the generated section of README.md."""
    path = os.path.join(HERE, "README.md")
    with open(path, encoding="utf-8") as file:
        old = file.read()
    head, begin, rest = old.partition(BEGIN)
    _, end, foot = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README.md has no section {BEGIN} … {END}")
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(f"{head}{BEGIN}\n{text}\n{END}{foot}")
    os.replace(path + ".new", path)
