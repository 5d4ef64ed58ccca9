"""Random histories of a pool, and their way into the database as the store would have put them there."""

import hashlib
import random
import uuid
from fractions import Fraction

from psycopg2.extras import execute_values

from .payout_oracle import Share

MINUTE = 60 * 10**6
BASE = 1_709_251_200 * 10**6  # 2024-03-01, UTC: a day without a partition
REGTEST_NBITS = 0x207FFFFF  # the network's work is 2, so that any window can be had
CERTIFICATE = bytes(332)  # of no bloom: payouts count the work, and do not look into proofs
TIME = "timestamptz 'epoch' + %s * interval '1 us'"


class History:
    """Miners, workers, shares and proofs; times crowd around the edges of minutes, hours and days, and tie."""

    def __init__(self, seed: int):
        self.random = random.Random(seed)
        pick = self.random
        self.addresses = [f"bcrt1q{n:02d}{pick.choice('abc')}" for n in range(pick.randint(1, 5))]
        pick.shuffle(self.addresses)
        self.journals = [uuid.UUID(int=pick.getrandbits(128)) for _ in range(pick.randint(1, 3))]
        self.sequence = 0
        reach = pick.choice([MINUTE // 2, 5 * MINUTE, 3 * 60 * MINUTE, 40 * 60 * MINUTE, 70 * 24 * 60 * MINUTE])
        self.start = BASE + pick.randrange(reach)
        self.reach = reach
        self.works = pick.choice([[1], [1, 2, 3], [0, 7], [10**9, 10**9 + 1], [2**200, 3], [1000, 1000, 999]])
        self.moments = [self._moment() for _ in range(12)]
        self.shares = [self.share() for _ in range(pick.randint(1, pick.choice([3, 12, 60])))]
        self.proofs = [self.share() for _ in range(pick.choice([0, 0, 2, 10]))]

    def _moment(self) -> int:
        pick = self.random
        time = self.start + pick.randrange(self.reach)
        unit = pick.choice([1, 1, MINUTE, 60 * MINUTE, 24 * 60 * MINUTE])
        return max(self.start, time // unit * unit + pick.choice([-1, 0, 0, 1]) if unit > 1 else time)

    def share(self, height: int | None = None) -> Share:
        pick = self.random
        self.sequence += 1
        time = pick.choice(self.moments) if pick.random() < 0.4 else self._moment()
        return Share(time, pick.randint(1, len(self.journals)), self.sequence, pick.choice(self.addresses),
                     pick.choice(["", "rig"]), pick.choice(self.works), pick.randint(100, 105) if height is None else height)

    def window(self) -> Fraction:
        """A multiple of the network's work on regtest: from a part of the last share to more than all."""
        total = min(sum(share.work for share in self.shares), 10**11)
        return Fraction(self.random.choice([1, 2, max(total, 1), total + 1, self.random.randint(1, max(2, total * 5 // 4))]), 2)


def work_hash(row: tuple) -> bytes:
    """No two proofs have the same."""
    return hashlib.sha256(repr(row[1:3]).encode()).digest()


def decimal(value: Fraction) -> str:
    """Halves, exactly."""
    whole, rest = divmod(value.numerator, value.denominator)
    return f"{whole}.5" if rest else str(whole)


class Stored:
    """A history in the database: all in one transaction, which the test rolls back."""

    def __init__(self, cursor, history: History):
        self.cursor = cursor
        self.history = history
        pairs = [(address, name) for address in history.addresses for name in ("", "rig")]
        cursor.execute("SELECT address, name, worker_id FROM ensure_workers(%s, %s, 'epoch')", [list(column) for column in zip(*pairs)])
        self.workers = {(address, name): worker for address, name, worker in cursor.fetchall()}
        cursor.execute("SELECT setval(pg_get_serial_sequence('journal_positions', 'id'), 1, false)")
        for journal in history.journals:
            cursor.execute("INSERT INTO journal_positions (journal) VALUES (%s)", (str(journal),))

    def add(self, shares: list, table: str = "shares"):
        if not shares:
            return
        rows = [(s.time, s.journal, s.sequence, self.workers[s.address, s.worker], s.height, s.work) for s in shares]
        if table == "shares":
            execute_values(self.cursor, "INSERT INTO shares VALUES %s", rows, page_size=1000,
                           template=f"({TIME}, %s, %s, %s, %s, 0, 1, 1, %s, '\\x00')")
            counted, sums, best = "shares", "share_sums", ", max(share_difficulty)"
        else:
            execute_values(self.cursor, f"""INSERT INTO coherence_proofs (time, journal, sequence, worker_id, chain_height, work, header, extranonce,
                             attempt, params, target, bloom_start, bloom_end, r_q, psi_q, cert_hash, work_hash, certificate) VALUES %s""",
                           [(*row, CERTIFICATE, work_hash(row), CERTIFICATE) for row in rows], page_size=1000,
                           template=f"({TIME}, %s, %s, %s, %s, %s, decode(repeat('00', 92), 'hex'), 0, 0, 65538, decode(repeat('ff', 32), 'hex'), "
                                    "0, 0, 0, 0, sha256(%s), %s, %s)")
            counted, sums, best = "proofs", "coherence_sums", ""
        first = min(share.sequence for share in shares)
        self.cursor.execute(f"""INSERT INTO {sums} AS o (span, start, worker_id, journal, {counted}, work{', best_share_difficulty' if best else ''})
          SELECT span, date_trunc(span, time, 'UTC'), worker_id, journal, count(*), sum(work){best}
          FROM {table} CROSS JOIN unnest(ARRAY['minute', 'hour', 'day']) span WHERE sequence >= {first} GROUP BY 1, 2, 3, 4
          ON CONFLICT (span, start, worker_id, journal) DO UPDATE SET {counted} = o.{counted} + excluded.{counted}, work = o.work + excluded.work""")
        if table == "shares":
            self.cursor.execute(f"""INSERT INTO height_sums AS o SELECT height, worker_id, journal, count(*), sum(work) FROM shares
              WHERE sequence >= {first} GROUP BY 1, 2, 3
              ON CONFLICT (height, worker_id, journal) DO UPDATE SET shares = o.shares + excluded.shares, work = o.work + excluded.work""")
        self.cursor.execute("UPDATE journal_positions SET sequence = %s", (max(share.sequence for share in shares),))

    def scheme(self, name: str, window: Fraction, fee_ppm: int, coherence_ppm: int, at: int = BASE - 1) -> int:
        self.cursor.execute(f"SELECT note_payout_scheme({TIME}, %s, %s, %s, %s, 0)", (at, name, decimal(window), fee_ppm, coherence_ppm))
        return self.cursor.fetchone()[0]

    def block(self, time: int, finder: tuple, reward: int, nbits: int = REGTEST_NBITS, status: str = "confirmed", direct: int = 0,
              height: int = 100) -> bytes:
        self.sequence = getattr(self, "sequence", 0) + 1
        block_hash = self.sequence.to_bytes(32, "big")
        header = bytes(72) + nbits.to_bytes(4, "little") + bytes(4)
        self.cursor.execute(f"""INSERT INTO blocks (hash, height, time, worker_id, reward, pool_sats, network_difficulty, share_difficulty, header,
            coinbase, merkle_branch, status) VALUES (%s, %s, {TIME}, %s, %s, %s, 1, 1, %s, '', '{{}}', %s)""",
            (block_hash, height, time, self.workers[finder], reward + direct, reward, header, status))
        return block_hash

    def height(self, height: int, nbits: int, subsidy: int, time: int):
        self.cursor.execute(f"SELECT add_height(%s, decode(repeat('00', 32), 'hex'), %s, %s, %s, {TIME})", (height, nbits, subsidy, subsidy, time))

    def run(self, block_hash: bytes, scheme: int | None = None, incomplete_ok: bool = True) -> int:
        self.cursor.execute("SELECT create_block_run(%s, %s, %s)", (block_hash, scheme, incomplete_ok))
        return self.cursor.fetchone()[0]

    def result(self, run: int) -> dict:
        """As the oracle gives it."""
        self.cursor.execute("SELECT fee_sats, coherence_sats FROM payout_runs WHERE id = %s", (run,))
        fee, coherence = self.cursor.fetchone()
        self.cursor.execute("SELECT address, work, coherence_work, share_sats, coherence_sats FROM payout_items WHERE run_id = %s", (run,))
        items = {row[0]: tuple(int(value) for value in row[1:]) for row in self.cursor.fetchall()}
        return {"fee": fee, "coherence": coherence, "items": items}

    def recomputed(self, run: int) -> tuple:
        self.cursor.execute("SELECT source, equal, problem FROM recompute_run(%s)", (run,))
        return self.cursor.fetchone()
