"""The journal at its limits: a full disk, its bound while PostgreSQL is away, several pools, and its offline check.

What is answered `true` must be in the database in the end, once; what can't be kept must be refused, and miners must
hear of it. Nothing is restarted to get over a full disk.
"""

import os
import subprocess

import pytest

from framework import bitcoin
from framework.pool import Pool
from framework.stratum_client import Load, StratumClient
from framework.util import wait_until
from test_durability import accepted_so_far, check_stored

MIB = 1024 * 1024


def verify(pool) -> subprocess.CompletedProcess:
    """`phasepool verify journal DATA_DIR`, which needs no configuration."""
    return subprocess.run([pool.program, "verify", "journal", pool.config["data_dir"]], capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL, check=False)


def start_loads(cluster, count=3):
    return [Load(cluster.client(user=f"{bitcoin.PAYOUT_ADDRESS}.{i}")) for i in range(count)]


def refused_so_far(loads) -> int:
    return sum(load.rejected for load in loads)


class Tmpfs:
    """A small disk of its own, which `fill` fills up to a rest."""

    def __init__(self, folder, size: int):
        self.folder = folder
        folder.mkdir(parents=True)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", folder], capture_output=True, text=True,
                              timeout=10, check=False)
        if done.returncode:
            pytest.skip(f"NOT TESTED: a full disk. It takes the right to mount a tmpfs (root): {done.stderr.strip()}")

    def free(self) -> int:
        disk = os.statvfs(self.folder)
        return disk.f_bavail * disk.f_frsize

    def fill(self, rest: int):
        with open(self.folder / "ballast", "wb") as ballast:
            ballast.write(bytes(self.free() - rest))

    def empty(self):
        (self.folder / "ballast").unlink()

    def close(self):
        subprocess.run(["umount", "-l", self.folder], capture_output=True, timeout=10, check=False)


def test_disk_full(cluster):
    """A full disk: shares get an error, and it ends by itself when there is room again."""
    cluster.start_postgres()
    cluster.start_node()
    pool = cluster.make_pool()
    disk = cluster.also_close(Tmpfs(cluster.folder / "disk", 16 * MIB))
    pool.config["data_dir"] = str(disk.folder / "data")
    pool.config["journal"] = {"segment_bytes": 65536, "bytes_max": 4 * MIB}
    pool.migrate()
    pool.start()
    loads = start_loads(cluster)
    wait_until(lambda: accepted_so_far(loads) >= 100, 30, "shares before")
    for _ in range(2):
        disk.fill(rest=100_000)
        refused = refused_so_far(loads)
        wait_until(lambda: refused_so_far(loads) > refused, 60, "a share that can't be kept to be refused")
        wait_until(lambda: pool.api()["journal"]["writable"] is False, 10, "the API to say that the journal can't be written")
        assert pool.api()["journal"]["error"] == "the disk does not take the journal"
        assert "No space left on device" in pool.log.read_text()
        accepted = accepted_so_far(loads)
        refused = refused_so_far(loads)
        wait_until(lambda: refused_so_far(loads) >= refused + 100, 30, "shares refused while the disk is full")
        # A segment may be tried, and hold a few, each second; the disk has no room for more.
        assert accepted_so_far(loads) - accepted < 1000

        disk.empty()
        wait_until(lambda: pool.api()["journal"]["writable"] is True, 20, "the journal to be written again")
        accepted = accepted_so_far(loads)
        wait_until(lambda: accepted_so_far(loads) >= accepted + 100, 30, "shares after there is room")
    for load in loads:
        load.stop()
    check_stored(cluster, loads)
    assert pool.stop() == 0
    done = verify(pool)
    assert done.returncode == 0, done.stdout + done.stderr


def test_bound_while_postgres_is_away(cluster):
    """Events come before the bound, refusals at it, and both end when the database has caught up."""
    cluster.start_postgres()
    cluster.start_node()
    pool = cluster.make_pool()
    pool.config["journal"] = {"segment_bytes": 65536, "bytes_max": MIB}
    pool.migrate()
    pool.start()
    loads = start_loads(cluster, 4)
    wait_until(lambda: accepted_so_far(loads) >= 100, 30, "shares before")
    cluster.postgres.stop()
    wait_until(lambda: refused_so_far(loads) > 0, 120, "the bound to be reached")
    wait_until(lambda: pool.api()["journal"]["writable"] is False, 10, "the API to say that the journal is full")
    journal = pool.api()["journal"]
    assert journal["error"].startswith("the journal is full")
    assert MIB * 95 // 100 < journal["unstored_bytes"] < MIB + 65536 and journal["bytes_max"] == MIB
    accepted, refused = accepted_so_far(loads), refused_so_far(loads)
    wait_until(lambda: refused_so_far(loads) >= refused + 200, 30, "shares refused at the bound")
    assert accepted_so_far(loads) == accepted

    cluster.postgres.start()
    wait_until(lambda: pool.api()["journal"]["writable"] is True, 60, "room in the journal again")
    wait_until(lambda: accepted_so_far(loads) >= accepted + 100, 30, "shares afterwards")
    for load in loads:
        load.stop()
    check_stored(cluster, loads)
    events = [row[0] for row in cluster.query("SELECT message FROM events WHERE component = 'journal' ORDER BY id")]
    wanted = ["used 50 percent", "used 75 percent", "used 90 percent", "is full", "has room again"]
    assert len(events) == len(wanted) and all(part in event for part, event in zip(wanted, events)), events
    assert pool.stop() == 0
    assert verify(pool).returncode == 0


def test_two_pools_one_database(cluster):
    """Each with a data_dir of its own: two journals, and sums that add up. The same data_dir twice is refused."""
    first = cluster.start()
    second = cluster.also_close(Pool(cluster.folder / "second", [cluster.node.config()], cluster.postgres.url()))
    second.start()
    loads = [Load(cluster.client(user=f"{bitcoin.PAYOUT_ADDRESS}.both"))]
    loads += [Load(cluster.also_close(StratumClient(second.stratum_port, user=f"{bitcoin.PAYOUT_ADDRESS}.both").login()))]
    wait_until(lambda: all(len(load.accepted) >= 200 for load in loads), 30, "shares at both")

    third = Pool(cluster.folder / "third", [cluster.node.config()], cluster.postgres.url())
    third.config["data_dir"] = first.config["data_dir"]
    done = third.command("run")
    assert done.returncode == 1
    assert "another phasepool is running with this data_dir" in done.stderr

    for load in loads:
        load.stop()
    check_stored(cluster, loads)
    assert first.stop() == 0 and second.stop() == 0
    counts = dict(cluster.query("SELECT journal, count(*) FROM shares GROUP BY 1"))
    assert len(counts) == 2 and min(counts.values()) >= 200
    assert dict(cluster.query("SELECT journal, sum(shares)::bigint FROM share_sums WHERE span = 'day' GROUP BY 1")) == counts
    assert cluster.query("SELECT sum(work) FROM share_sums WHERE span = 'minute'") == cluster.query("SELECT sum(work) FROM shares")


def test_verify_tells_what_was_changed(cluster):
    """A record that is rewritten with good checksums breaks the chain, and the finding names the file."""
    pool = cluster.start()
    loads = start_loads(cluster, 1)
    wait_until(lambda: accepted_so_far(loads) >= 50, 30, "shares")
    loads[0].stop()
    assert pool.stop() == 0
    pool.start()
    assert pool.stop() == 0
    segments = sorted((cluster.folder / "pool" / "data" / "journal").glob("*.journal"))
    assert len(segments) == 2
    assert verify(pool).returncode == 0
    whole = segments[0].read_bytes()
    segments[0].write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    done = verify(pool)
    assert done.returncode == 1
    assert f"FAIL  segment    {segments[0]}: byte " in done.stdout, done.stdout
    segments[0].write_bytes(whole)
    assert cluster.query("SELECT count(*) FROM journal_segments") == [(1,)]
    assert cluster.query("SELECT encode(sha256, 'hex') FROM journal_segments")[0][0] in verify(pool).stdout
