"""The model disk of the power-cut proof: it must lose what a real one may lose, and no more."""
import random

import pytest
from support.disk import DROPPED, KEPT, PAGE, SECTOR, TORN, Disk

OLD, NEW = b"o" * PAGE, b"n" * PAGE


def disk_with_file(fate=DROPPED):
    """A file of one page of OLD that is wholly on the disk."""
    disk = Disk(fate)
    disk.create("f")
    disk.write("f", 0, OLD)
    disk.sync("f", disk.moment())
    disk.sync_names()
    return disk


def states(disk, mode=TORN, count=200):
    """{state of file f | None} over many power cuts."""
    rng = random.Random(1)
    return {disk.after_power_cut(mode, rng).get("f") for _ in range(count)}


def test_what_was_synced_stays():
    disk = disk_with_file()
    for mode in (KEPT, DROPPED, TORN):
        assert states(disk, mode) == {OLD}


def test_what_was_not_synced_may_be_lost():
    disk = disk_with_file()
    disk.write("f", 0, NEW)
    assert states(disk, DROPPED) == {OLD}
    assert states(disk, KEPT) == {NEW}


def test_a_write_may_be_torn_between_sectors_but_not_within():
    disk = disk_with_file()
    disk.write("f", 0, NEW)
    seen = states(disk)
    assert {OLD, NEW} <= seen and len(seen) > 50
    for state in seen:
        sectors = {state[at:at + SECTOR] for at in range(0, PAGE, SECTOR)}
        assert sectors <= {OLD[:SECTOR], NEW[:SECTOR]}


def test_a_sector_may_hold_what_it_held_between_two_syncs():
    disk = disk_with_file()
    disk.write("f", 0, b"1" * SECTOR)
    disk.write("f", 0, b"2" * SECTOR)
    assert {state[:1] for state in states(disk)} == {b"o", b"1", b"2"}


def test_a_sync_covers_only_what_was_written_before_it_began():
    disk = disk_with_file()
    began = disk.moment()
    disk.write("f", 0, NEW)
    disk.sync("f", began)
    assert states(disk, DROPPED) == {OLD}
    disk.sync("f", disk.moment())
    assert states(disk, DROPPED) == {NEW}


def test_a_truncation_comes_before_what_was_written_after_it():
    disk = disk_with_file()
    disk.truncate("f", 0)
    disk.write("f", 0, b"new")
    assert states(disk) == {OLD, b"", b"new"}


@pytest.mark.parametrize("fate, after", [(DROPPED, {OLD}), (KEPT, {NEW})])
def test_a_later_sync_does_not_repair_one_that_failed(fate, after):
    disk = disk_with_file(fate)
    disk.write("f", 0, NEW)
    disk.fail_sync("f")
    disk.sync("f", disk.moment())
    for mode in (KEPT, DROPPED, TORN):
        assert states(disk, mode) == after


def test_writing_to_the_page_again_does():
    disk = disk_with_file()
    disk.write("f", 0, NEW)
    disk.write("f", PAGE, NEW)
    disk.fail_sync("f")
    disk.write("f", 10, b"x")
    disk.sync("f", disk.moment())
    assert states(disk) == {NEW[:10] + b"x" + NEW[11:]}


def test_a_new_file_needs_a_sync_of_its_folder():
    disk = Disk()
    disk.create("f")
    disk.write("f", 0, NEW)
    disk.sync("f", disk.moment())
    assert states(disk, DROPPED) == {None}
    assert states(disk, TORN) == {None, NEW}
    disk.sync_names()
    assert states(disk) == {NEW}


def test_a_removed_file_may_come_back():
    disk = disk_with_file()
    disk.unlink("f")
    assert states(disk) == {None, OLD}
    disk.sync_names()
    assert states(disk) == {None}


def test_a_file_made_anew_is_another_file():
    disk = disk_with_file()
    disk.unlink("f")
    disk.create("f")
    disk.write("f", 0, b"second")
    disk.sync("f", disk.moment())
    assert OLD in states(disk)
    disk.sync_names()
    assert states(disk) == {b"second"}


def test_a_rename_is_whole_or_not_at_all():
    disk = disk_with_file()
    disk.create("g")
    disk.write("g", 0, NEW)
    disk.sync("g", disk.moment())
    disk.sync_names()
    disk.rename("g", "f")
    rng = random.Random(1)
    seen = {tuple(sorted(disk.after_power_cut(TORN, rng).items())) for _ in range(50)}
    assert seen == {(("f", OLD), ("g", NEW)), (("f", NEW),)}
