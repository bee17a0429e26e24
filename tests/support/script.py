"""Fixed scripts of writes, one connection and one user each, and what may be there after a crash.

Each connection is sequential, so after a crash its user has the ratings of the acknowledged
requests, with or without the one request that was in flight.
"""
import random
import threading
from dataclasses import dataclass, field

from support.client import BadAnswer, Connection, Disconnected
from support.ratings import rating_path


def make_steps(rng, count):
    """(item, type) for a PUT, None for a DELETE of all."""
    steps = [(1, rng.randint(1, 3))]
    while len(steps) < count:
        steps.append(None if rng.random() < 0.08 else (rng.randrange(12), rng.randint(1, 3)))
    return steps


def states(steps):
    """The user's ratings after 0, 1, 2, … steps."""
    ratings, after = {}, [{}]
    for step in steps:
        ratings = {} if step is None else {**ratings, step[0]: step[1]}
        after.append(ratings)
    return after


@dataclass
class Script:
    user: int
    steps: list
    acknowledged: int = 0
    refused: list = field(default_factory=list)

    def run(self, address):
        """Until the end or the first request without a good answer."""
        try:
            with Connection(address) as connection:
                for step in self.steps[self.acknowledged:]:
                    if step is None:
                        answer = connection.request("DELETE", f"/users/{self.user}")
                    else:
                        answer = connection.request("PUT", rating_path(self.user, step[0]),
                                                    {"rating_type": step[1]})
                    if answer.status not in (200, 201):
                        self.refused.append(answer)
                        return
                    self.acknowledged += 1
        except (Disconnected, BadAnswer, OSError):
            pass

    def finished(self):
        return self.acknowledged == len(self.steps)

    def allowed(self, acknowledged):
        after = states(self.steps)
        return after[acknowledged:acknowledged + 2]


def make_scripts(seed, first_user, connections, steps):
    rng = random.Random(f"{seed} {first_user}")
    return [Script(first_user + number, make_steps(rng, steps)) for number in range(connections)]


def run_scripts(address, scripts):
    threads = [threading.Thread(target=script.run, args=(address,)) for script in scripts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def complaint(scripts, ratings, acknowledged=None):
    """What in {(user, item): type} cannot be, given how many steps of each script were
    acknowledged (by default: as its client saw it); None when all is well."""
    users = {script.user for script in scripts}
    strangers = {user for user, _ in ratings} - users
    if strangers:
        return f"rows of users that nobody wrote: {strangers}"
    for script in scripts:
        count = script.acknowledged if acknowledged is None else acknowledged[script.user]
        mine = {item: kind for (user, item), kind in ratings.items() if user == script.user}
        if mine not in script.allowed(count):
            return (f"user {script.user} after {count} acknowledged of {len(script.steps)}: has "
                    f"{mine}, may have {script.allowed(count)}")
    return None
