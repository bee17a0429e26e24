"""Processes of a measured system: start pinned, CPU time, memory, stop within a bound."""
import os
import signal
import socket
import subprocess
import time

TICK = os.sysconf("SC_CLK_TCK")


class BenchError(Exception):
    """A failure that ends the run with its text and no traceback."""


def pinned(core, command):
    """The command line that runs `command` on one core and ends with this process."""
    return ["setpriv", "--pdeathsig", "KILL", "taskset", "-c", str(core)] + command


def start(core, command, log, **options):
    """A child on `core`, its output appended to the file `log`, in a session of its own."""
    with open(log, "ab") as out:
        return subprocess.Popen(pinned(core, command), stdin=subprocess.DEVNULL, stdout=out,
                                stderr=out, start_new_session=True, **options)


def stop(child, seconds=20):
    """Ends a child and its process group: asks, waits at most `seconds`, then kills."""
    if child is None:
        return
    if child.poll() is None:
        for number in (signal.SIGTERM, signal.SIGCONT):
            try:
                os.killpg(child.pid, number)
            except ProcessLookupError:
                pass
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            pass
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    try:
        child.wait(5)
    except subprocess.TimeoutExpired:
        print(f"warning: process {child.pid} does not end", flush=True)


def family(pid):
    """`pid` and all that descend from it, in order of their ids."""
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as file:
                    parent = int(file.read().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue
            children.setdefault(parent, []).append(int(name))
    found, queue = [], [pid]
    while queue:
        current = queue.pop()
        found.append(current)
        queue += children.get(current, [])
    return sorted(found)


def cpu_seconds(pid):
    """User + system time of a process, its ended threads included.

    The CPU clock of a process counts nanoseconds; /proc/PID/stat only ticks of 10 ms.
    """
    try:
        return time.clock_gettime((~pid << 3) | 2)  # CPUCLOCK_SCHED, see clock_getcpuclockid(3)
    except OSError:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK


def core_busy_seconds(core):
    """Time that anything ran on a core since boot; waiting for a disk is not counted."""
    with open("/proc/stat") as file:
        for line in file:
            fields = line.split()
            if fields[0] == f"cpu{core}":
                user, nice, system, _idle, _wait, irq, softirq, steal = map(int, fields[1:9])
                return (user + nice + system + irq + softirq + steal) / TICK
    raise BenchError(f"/proc/stat has no core {core}")


def resident_bytes(pid):
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def reset_peak(pid):
    """peak_bytes() counts from here on."""
    with open(f"/proc/{pid}/clear_refs", "w") as file:
        file.write("5")


def peak_bytes(pid):
    """The most resident memory since the process began, or since reset_peak()."""
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    raise BenchError(f"/proc/{pid}/status has no VmHWM")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def tail(path, lines=12):
    try:
        with open(path, errors="replace") as file:
            return "".join(file.readlines()[-lines:]).rstrip()
    except OSError:
        return ""


def output(command):
    """First line that a command prints, for the versions in the report."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    text = (done.stdout.strip() or done.stderr.strip()).splitlines()
    return text[0].strip() if text else "unknown"
