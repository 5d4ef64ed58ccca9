"""Fills a migrated database with shares as a pool of some thousand workers would have stored them: days of them, with sums,
heights, blocks, tips, rejects and events that agree with each other. No pool takes part; the rows are made by PostgreSQL itself.

Each worker mines at a difficulty that gives 6 shares a minute, as the pool's own vardiff aims at, and is online for one
stretch, as long as is needed for the number of shares. Same arguments, same rows, but for the end of the period.

usage: fill_database.py URL [--shares N] [--days N] [--workers N] [--blocks N]
"""

import argparse
import datetime
import random
import sys
import time

import psycopg2

SHARES_PER_MINUTE = 6
CHUNK = 1_000_000
FIRST_HEIGHT = 900_000
SUBSIDY = 312_500_000
BLOCK_SECONDS = 600
MINERS_PER_WORKER = 0.25


def work_of(difficulty: int) -> int:
    """Weight of a share: expected hashes of its target."""
    return 2**256 // ((0xFFFF << 208) // difficulty + 1)


def compact(target: int) -> int:
    """nbits of the target, rounded down to its three leading bytes."""
    size = (target.bit_length() + 7) // 8
    mantissa = target >> 8 * (size - 3)
    if mantissa & 0x800000:
        mantissa, size = mantissa >> 8, size + 1
    return size << 24 | mantissa


class Filler:
    def __init__(self, url: str, shares: int, days: int, workers: int, blocks: int):
        self.shares, self.days, self.workers, self.blocks = shares, days, workers, blocks
        self.end = datetime.datetime.now(datetime.timezone.utc).replace(second=0, microsecond=0)
        self.start = self.end - datetime.timedelta(days=days)
        self.online = shares / (workers * days * 1440 * SHARES_PER_MINUTE)  # part of the time
        if self.online > 1:
            sys.exit(f"{shares} shares are more than {workers} workers find in {days} days at {SHARES_PER_MINUTE} a minute")
        self.random = random.Random(1)
        self.connection = psycopg2.connect(url)
        self.connection.autocommit = True
        self.cursor = self.connection.cursor()
        self.values = {"start": self.start, "end": self.end, "shares": shares, "workers": workers, "online": self.online,
                       "height": FIRST_HEIGHT, "step": days * 86_400_000_000 // shares, "seconds": BLOCK_SECONDS}

    def run(self):
        self.execute("SET TIME ZONE 'UTC'; SET synchronous_commit = off; SET work_mem = '256MB'; SELECT setseed(0.5)")
        for step in (self.add_workers, self.add_shares, self.add_sums, self.add_heights, self.add_blocks, self.add_others, self.settle):
            begun = time.monotonic()
            step()
            print(f"{step.__name__}: {time.monotonic() - begun:.0f} s", flush=True)

    def execute(self, statement: str, **more):
        self.cursor.execute(statement, {**self.values, **more})

    def add_workers(self):
        """Hash rates over four decades: difficulties are powers of two."""
        self.execute("""
          INSERT INTO journal_positions (journal) SELECT md5('fill' || n)::uuid FROM generate_series(1, 2) n;
          SELECT ensure_share_partitions(%(start)s::date, %(end)s::date), ensure_share_sum_partitions(%(start)s::date, %(end)s::date);
          CREATE TEMP TABLE fill_workers (slot integer PRIMARY KEY, id bigint, difficulty float8, work numeric, address text, name text)""")
        miners = max(1, int(self.workers * MINERS_PER_WORKER))
        rows = []
        for slot in range(self.workers):
            difficulty = 2 ** self.random.randrange(10, 23)
            miner = int(miners * self.random.random() ** 2)
            rows.append((slot, difficulty, work_of(difficulty), f"bcrt1qfill{miner:06d}", f"rig{slot}"))
        self.cursor.executemany("INSERT INTO fill_workers VALUES (%s, NULL, %s, %s, %s, %s)", rows)
        self.execute("""
          UPDATE fill_workers f SET id = w.worker_id
          FROM ensure_workers((SELECT array_agg(address ORDER BY slot) FROM fill_workers),
                              (SELECT array_agg(name ORDER BY slot) FROM fill_workers), %(start)s) w
          WHERE w.address = f.address AND w.name = f.name""")

    def add_shares(self):
        for first in range(1, self.shares + 1, CHUNK):
            self.execute("""
              INSERT INTO shares (time, journal, sequence, worker_id, height, job_id, difficulty, share_difficulty, work, hash)
              SELECT s.time, CASE WHEN s.i %% 5 = 0 THEN 2 ELSE 1 END, s.i, w.id,
                     %(height)s + floor(extract(epoch FROM s.time - %(start)s) / %(seconds)s), s.i / 1000,
                     w.difficulty, w.difficulty / (1 - random()), w.work, sha256(int8send(s.i))
              FROM (SELECT i, %(start)s + (i * %(step)s - floor(random() * %(step)s)) * interval '1 microsecond' AS time,
                           mod(floor((1 + i::float8 / %(shares)s - %(online)s * random()) * %(workers)s)::bigint * 7919, %(workers)s) AS slot
                    FROM generate_series(%(first)s::bigint, %(last)s) i OFFSET 0) s
              JOIN fill_workers w ON w.slot = s.slot""", first=first, last=min(first + CHUNK - 1, self.shares))

    def add_sums(self):
        self.execute("""
          INSERT INTO share_sums SELECT 'minute', date_trunc('minute', time), worker_id, journal, count(*), sum(work), max(share_difficulty)
            FROM shares GROUP BY 2, 3, 4 ORDER BY 2, 3, 4;
          INSERT INTO share_sums
            SELECT s.span, date_trunc(s.span, m.start), m.worker_id, m.journal, sum(m.shares), sum(m.work), max(m.best_share_difficulty)
            FROM share_sums_minute m CROSS JOIN unnest(ARRAY['hour', 'day']) AS s (span) GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4;
          INSERT INTO height_sums SELECT height, worker_id, journal, count(*), sum(work) FROM shares GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
          UPDATE journal_positions p SET updated_at = %(end)s, segment = 40, sequence = s.last, shares_total = s.n
            FROM (SELECT journal, max(sequence) AS last, count(*) AS n FROM shares GROUP BY 1) s WHERE s.journal = p.id""")

    def add_heights(self):
        """The network's difficulty is such that the shares are worth `blocks` blocks."""
        self.cursor.execute("SELECT sum(work) FROM share_sums_day")
        self.nbits = compact(2**256 * self.blocks // int(self.cursor.fetchone()[0]))
        self.execute("""
          INSERT INTO heights SELECT h, sha256(int4send(h - 1)), %(nbits)s, %(subsidy)s, %(subsidy)s + h %% 1000 * 1000,
                                     %(start)s + (h - %(height)s) * %(seconds)s * interval '1 second'
            FROM generate_series(%(height)s, %(height)s + %(days)s * 86400 / %(seconds)s) h;
          INSERT INTO chain_tips SELECT sha256(int4send(height)), prev_hash, height, time FROM heights""",
                     nbits=self.nbits, subsidy=SUBSIDY, days=self.days)

    def add_blocks(self):
        """Found by shares taken at random. Those deep enough are confirmed, but for one, which is orphaned."""
        exponent, mantissa = self.nbits >> 24, self.nbits & 0xFFFFFF
        network = (0xFFFF << 208) / (mantissa << 8 * (exponent - 3))
        for number in sorted(self.random.sample(range(1, self.shares), self.blocks)):
            self.execute("""
              INSERT INTO blocks (hash, height, time, worker_id, reward, pool_sats, network_difficulty, share_difficulty, header,
                                  coinbase, merkle_branch, status, outcome_time)
              SELECT s.hash, s.height, s.time, s.worker_id, h.coinbase_value_sats, h.coinbase_value_sats, %(network)s,
                     %(network)s / (1 - random()),
                     decode(repeat('00', 72), 'hex') || %(nbits)s || '\\x00000000', '\\x00', ARRAY[s.hash], 'submitted', s.time
              FROM shares s JOIN heights h USING (height)
              WHERE s.sequence = %(number)s AND s.time BETWEEN %(start)s + (%(number)s::bigint - 1) * %(step)s * interval '1 microsecond'
                                                          AND %(start)s + %(number)s::bigint * %(step)s * interval '1 microsecond'""",
                         number=number, network=network, nbits=self.nbits.to_bytes(4, "little"))
        self.execute("""
          SELECT set_block_state(hash, CASE WHEN id = 3 THEN 'orphaned'
                                            WHEN height + 100 <= (SELECT max(height) FROM chain_tips) THEN 'confirmed'
                                            ELSE 'in_chain' END, height, time + interval '17 hours') FROM blocks;
          INSERT INTO block_submissions SELECT hash, 'node 1', 'accepted', '', time FROM blocks""")

    def add_others(self):
        """One share in about 200 is refused; an event every minute."""
        self.execute("""
          INSERT INTO reject_sums SELECT start, worker_id, r.reason, journal, 1 + (shares * r.part)::bigint
            FROM share_sums_hour CROSS JOIN (VALUES ('stale', 0.004), ('duplicate', 0.0005), ('low_difficulty', 0.0005)) r (reason, part);
          INSERT INTO events (time, severity, component, message, context)
            SELECT t, (ARRAY['info', 'low', 'medium'])[1 + random() * 2], 'shard', 'an event', '{}'
            FROM generate_series(%(start)s, %(end)s, interval '1 minute') t""")

    def settle(self):
        self.execute("VACUUM ANALYZE")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--shares", type=int, default=20_000_000)
    parser.add_argument("--days", type=int, default=4)
    parser.add_argument("--workers", type=int, default=2500)
    parser.add_argument("--blocks", type=int, default=20)
    Filler(**vars(parser.parse_args())).run()


if __name__ == "__main__":
    main()
