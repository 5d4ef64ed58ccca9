"""`phasepool verify chain` over a pool that worked: its database and journal as they are, its export in another folder, and a forger
who changes, removes and swaps shares that the proof chain committed to, and makes every checksum and hash of the journal fit."""

import pathlib
import shutil
import subprocess

from framework import forger
from framework.stratum_client import Load
from framework.util import wait_until

# Blocks of a few per second, over retargets; a proof is one in two blooms.
COHERENCE = {"level": 0, "block_seconds": 1, "retarget_blocks": 3, "initial_bits": "20040000", "start_difficulty": 8, "min_difficulty": 8,
             "shares_per_minute": 60}


def third_starts(folder: pathlib.Path) -> int:
    """The first record of the third segment: with the first one gone, there is still one that a block commits to."""
    return forger.HEADER.unpack_from(sorted(folder.glob("*.journal"))[2].read_bytes())[5]


def run_a_pool(cluster) -> pathlib.Path:
    """Until there is a chain over several segments of shares; the witness log of its miner. The pool is stopped then."""
    cluster.start_postgres()
    cluster.start_node()
    pool = cluster.make_pool()
    pool.config["coherence"] = COHERENCE
    pool.config["journal"] = {"segment_bytes": 65536}
    pool.migrate()
    pool.start()
    witness = cluster.folder / "witness.log"
    load = Load(cluster.client(), in_flight=2)
    miner = cluster.miner(worker="blooms", extra=["--algo", "coherence", "--witness", witness])
    segments = pathlib.Path(pool.config["data_dir"]) / "journal"
    wait_until(lambda: cluster.query("SELECT count(*) FROM coherence_chain")[0][0] >= 9 and len(list(segments.glob("*.journal"))) >= 3
               and cluster.query("SELECT count(*) FROM coherence_stretches")[0][0] >= 6
               and cluster.query("SELECT max(last_sequence) FROM coherence_stretches")[0][0] >= third_starts(segments), 90,
               "nine blocks over three segments", poll=0.2)
    load.stop()
    assert miner.stop() == 0
    assert pool.stop() == 0
    return witness


def look_another_way(cluster, export):
    """A changed journal is not let pass, though the stretches are made to speak of other records than those that are here."""
    journal_of = forger.Journal(next(path for path in export.iterdir() if path.is_dir() and any(path.glob("*.journal"))))
    uuid = journal_of.headers[0][3].hex()

    def verdict(name: str, forge) -> subprocess.CompletedProcess:
        copy = cluster.folder / name
        shutil.copytree(export, copy)
        folder = copy / uuid
        for path in folder.glob("*.journal"):
            path.chmod(0o600)
        (copy / "coherence_chain.jsonl").chmod(0o600)
        journal = forger.Journal(folder)
        kind, payload = journal.records[1][0]
        journal.records[1][0] = [kind, payload[:20] + bytes([payload[20] ^ 1]) + payload[21:]]
        forge(copy, journal)
        journal.write()
        return subprocess.run([cluster.pool.program, "verify", "chain", copy], capture_output=True, text=True, timeout=60, cwd="/", check=False)

    def relabelled(copy, _journal):
        chain = copy / "coherence_chain.jsonl"
        chain.write_text(chain.read_text().replace(uuid, "f" * 32))

    def renumbered(_copy, journal):
        journal.paths[0].unlink()  # as retention does
        for each in (journal.paths, journal.headers, journal.records, journal.first):
            del each[0]
        journal.first[0] += 1_000_000

    done = verdict("relabelled", relabelled)
    assert done.returncode == 1 and f"of journal {uuid} are in no block of the chain: " in done.stdout, done.stdout
    done = verdict("renumbered", renumbered)
    assert done.returncode == 1 and "FAIL  journal    no block commits to any of the records here, 1000" in done.stdout, done.stdout


def test_a_pool_and_a_forger(cluster):
    witness = run_a_pool(cluster)
    pool = cluster.pool
    whole = pool.command("verify", "chain", "--witness", witness)
    assert whole.returncode == 0, whole.stdout + whole.stderr
    assert "FAIL" not in whole.stdout and ", 0 not, 0 not here" in whole.stdout.splitlines()[-1]

    export = cluster.folder / "elsewhere"
    assert pool.command("export", "--from", "2020-01-01", "--to", "2100-01-01", "--out", export).returncode == 0
    for arguments in (("chain", export, "--witness", witness), ("coherence", export / "coherence_proofs.jsonl")):
        done = subprocess.run([pool.program, "verify", *arguments], capture_output=True, text=True, timeout=60, cwd="/", check=False)
        assert done.returncode == 0 and "FAIL" not in done.stdout, done.stdout + done.stderr
    assert ", 0 not, " in done.stdout or "0 of them not true" in done.stdout

    look_another_way(cluster, export)

    folder = pathlib.Path(pool.config["data_dir"]) / "journal"
    kept = cluster.folder / "kept"
    shutil.copytree(folder, kept)
    stretches = cluster.query("SELECT height, first_sequence, last_sequence FROM coherence_stretches ORDER BY height")

    def told(change) -> str:
        """The first stretch that is said to be another."""
        journal = forger.Journal(folder)
        change(journal)
        journal.write()
        done = pool.command("verify", "chain")
        for path in kept.glob("*.journal"):
            shutil.copy(path, folder)
        assert done.returncode == 1
        return next(line for line in done.stdout.splitlines() if line.startswith("FAIL  stretch"))

    journal = forger.Journal(folder)
    journal.write()  # the forger's hand is steady: what it writes unchanged is the same
    assert all(path.read_bytes() == (kept / path.name).read_bytes() for path in journal.paths)

    # Two shares that follow each other in each of some stretches, in whatever segment.
    pairs = [(height, first, last, sequence) for height, first, last in stretches[1:] for sequence in range(first, last)
             if all(journal.records[segment][place][0] == forger.SHARE for segment, place in (journal.where(sequence), journal.where(sequence + 1)))
             and journal.where(sequence)[0] == journal.where(sequence + 1)[0]]
    assert len({pair[0] for pair in pairs}) >= 3

    def changed(forged, sequence):
        segment, place = forged.where(sequence)
        kind, payload = forged.records[segment][place]
        forged.records[segment][place] = [kind, payload[:20] + bytes([payload[20] ^ 1]) + payload[21:]]  # a letter of the address

    def removed(forged, sequence):
        segment, place = forged.where(sequence)
        del forged.records[segment][place]

    def swapped(forged, sequence):
        segment, place = forged.where(sequence)
        records = forged.records[segment]
        records[place], records[place + 1] = records[place + 1], records[place]

    for forge in (changed, removed, swapped):
        for height, first, last, sequence in (pairs[0], pairs[len(pairs) // 2], pairs[-1]):
            said = told(lambda forged, forge=forge, sequence=sequence: forge(forged, sequence))
            assert f"block {height}, stretch of pool 0, records {first} to {last} of journal " in said, (forge.__name__, sequence, said)

    segments = sorted(folder.glob("*.journal"))
    segments[0].unlink()  # as retention does
    done = pool.command("verify", "chain")
    assert done.returncode == 0 and ", 0 not, 0 not here" not in done.stdout.splitlines()[-1], done.stdout
