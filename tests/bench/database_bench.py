#!/usr/bin/python3
"""What the reports, the stats page and the payouts ask of a database of many shares: how long it takes, and how it is found.

Makes a private cluster in FOLDER (or goes on with the one that is there), fills it (fill_database.py), makes the payouts, and asks each
question cold (the server was restarted and its files put out of the system's cache), and then warm, of which the best counts.
Prints a table, and after it for each question which relations were read by which index, how many rows, how many pages.

usage: database_bench.py FOLDER [--shares N] [--days N] [--workers N] [--blocks N] [--only PATTERN] [--warm N] [--remove]
"""

import argparse
import collections
import json
import os
import pathlib
import re
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "functional"))
sys.path.insert(0, str(ROOT / "tests" / "bench"))

from fill_database import Filler  # noqa: E402
from framework import schema  # noqa: E402
from framework.postgres import Postgres  # noqa: E402

SETTINGS = ("shared_buffers=1GB", "max_wal_size=4GB")  # the rest is PostgreSQL's default
EXPLAINED = ("-c session_preload_libraries=auto_explain -c auto_explain.log_min_duration=0 -c auto_explain.log_analyze=on"
             " -c auto_explain.log_buffers=on -c auto_explain.log_nested_statements=on -c auto_explain.log_format=json"
             " -c auto_explain.log_timing=off -c client_min_messages=log -c log_min_messages=fatal")
# The miner with the most workers.
BUSIEST = "(SELECT m.address FROM miners m JOIN workers w ON w.miner_id = m.id GROUP BY m.address ORDER BY count(*) DESC, m.address LIMIT 1)"
YOUNG_BLOCK = "(SELECT hash FROM blocks b WHERE status = 'accepted' AND pool_sats IS NOT NULL ORDER BY time DESC LIMIT 1)"
LAST_BLOCK = "(SELECT hash FROM blocks WHERE status = 'confirmed' ORDER BY time DESC LIMIT 1)"
STATEMENTS = {
    "page_totals()": "SELECT page_totals()",
    "page_blocks(50)": "SELECT page_blocks(50)",
    "PPLNS run of a block": f"SELECT (draft_block_run({LAST_BLOCK}, NULL, true)).run.work",
    "payout_preview(), all schemes": "SELECT count(*) FROM payout_preview()",
    "update_ledger(), nothing new": "SELECT update_ledger()",
    "shares_needed()": "SELECT * FROM shares_needed()",
    "worker_sums(), 1 hour": "SELECT count(*) FROM worker_sums(date_trunc('minute', now()) - interval '1 hour', date_trunc('minute', now()))",
    "worker_sums(), 1 day": "SELECT count(*) FROM worker_sums(date_trunc('minute', now()) - interval '1 day', date_trunc('minute', now()))",
    "pool_work(), 3 days": "SELECT * FROM pool_work(now() - interval '3 days 1.5 seconds', now() - interval '1 hour')",
}
API = {
    "api_round()": "SELECT api_round()",
    "api_luck()": "SELECT api_luck()",
    **{f"api_history('{span}')": f"SELECT api_history('{span}')" for span in ("6h", "1d", "7d", "30d", "1y")},
    "api_miners(1, 50)": "SELECT api_miners(1, 50)",
    "api_miner(), of the busiest": f"SELECT api_miner({BUSIEST})",
    "api_miner_history('1d'), of the busiest": f"SELECT api_miner_history({BUSIEST}, NULL, '1d')",
    "api_miner_history('7d'), of the busiest": f"SELECT api_miner_history({BUSIEST}, NULL, '7d')",
    "api_workers(1, 100), of the busiest": f"SELECT api_workers({BUSIEST}, 1, 100)",
    "api_ckpool_user(), of the busiest": f"SELECT api_ckpool_user({BUSIEST})",
    "api_blocks(50)": "SELECT api_blocks(NULL, 50)",
    "api_block_detail()": f"SELECT api_block_detail({LAST_BLOCK})",
    "api_block_proof()": f"SELECT api_block_proof({LAST_BLOCK})",
    "api_payouts(50)": "SELECT api_payouts(NULL, 50)",
    "api_payout(1, 100)": "SELECT api_payout((SELECT max(id) FROM payout_runs), 1, 100)",
    "api_preview()": "SELECT api_preview()",
    "api_expected_parts()": f"SELECT api_expected_parts({YOUNG_BLOCK})",
    "api_chain(50)": "SELECT api_chain(NULL, 50)",
    "api_epochs(100)": "SELECT api_epochs(100)",
    "api_events(50)": "SELECT api_events(NULL, 50, 'info')",
}
REPORTS = {f"{path.stem}.sql": path for path in sorted((ROOT / "sql" / "reports").glob("*.sql"))}


def forget_files(folder: pathlib.Path):
    """Asks the system to put the files' pages out of its cache; the server has stopped, so that all are written."""
    for path in folder.rglob("*"):
        if path.is_file():
            handle = os.open(path, os.O_RDONLY)
            try:
                os.fsync(handle)
                os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(handle)


def ask(postgres: Postgres, name: str, explained: bool = False) -> tuple:
    """(seconds, standard error)"""
    source = ["-f", str(REPORTS[name])] if name in REPORTS else ["-c", {**STATEMENTS, **API}[name]]
    env = {"PGOPTIONS": EXPLAINED} if explained else {}
    begun = time.monotonic()
    done = postgres.run_psql(["-q", "-o", "/dev/null", *source], user="postgres", env=env, timeout=600)
    if done.returncode:
        sys.exit(f"{name}: {done.stderr}")
    return time.monotonic() - begun, done.stderr


def plans(text: str):
    """The plans that auto_explain printed."""
    for part in re.findall(r"LOG:  duration: [^\n]*plan:\n(\{.*?^\})", text, re.MULTILINE | re.DOTALL):
        yield json.loads(part, strict=False)["Plan"]


def scans(plan: dict):
    if "Relation Name" in plan and plan.get("Actual Loops", 0):
        relation = re.sub(r"_\d{8}", "_*", plan["Relation Name"])
        index = re.sub(r"_\d{8}", "_*", plan.get("Index Name", ""))
        yield relation, f"{plan['Node Type'].lower()} {index}".strip(), round(plan["Actual Rows"] * plan["Actual Loops"])
    for child in plan.get("Plans", []):
        # What a bitmap's index found is read by the node above it.
        if child["Node Type"] == "Bitmap Index Scan":
            child = {**child, "Relation Name": plan["Relation Name"]}
        yield from scans(child)


def summary(text: str) -> list:
    """Lines: relation, how, rows, of those that gave more than a thousand rows or were read often."""
    rows, times = collections.Counter(), collections.Counter()
    pages = [0, 0]
    for plan in plans(text):
        # A plan has its children's pages in it; a statement within a function has its own, and its caller's count has them too.
        pages = [max(pages[0], plan.get("Shared Hit Blocks", 0) + plan.get("Shared Read Blocks", 0)), max(pages[1], plan.get("Shared Read Blocks", 0))]
        for relation, how, count in scans(plan):
            rows[relation, how] += count
            times[relation, how] += 1
    lines = [f"  {relation}: {how}, {count} rows in {times[relation, how]} scans" for (relation, how), count in rows.most_common(6) if count > 100]
    return [f"  {pages[0]} pages of 8 KiB, {pages[1]} of them from the system", *lines]


def prepare(args) -> Postgres:
    os.makedirs(args.folder, exist_ok=True)
    os.chmod(args.folder, 0o711)
    postgres = Postgres(args.folder, durable=False, owner="pool_owner", settings=SETTINGS)
    fresh = not (postgres.data / "PG_VERSION").exists()
    postgres.start()
    if fresh:
        schema.apply_migrations(postgres, "phasepool")
        postgres.psql(f"SELECT note_payout_scheme(now() - {args.days + 1} * interval '1 day', 'pplns', 2, 10000, 0, 100000)")
        Filler(postgres.url(), args.shares, args.days, args.workers, args.blocks).run()
        begun = time.monotonic()
        runs = postgres.psql("SELECT update_ledger()")
        print(f"update_ledger(): {runs} changes in {time.monotonic() - begun:.1f} s")
        postgres.psql("ANALYZE", user="postgres")
    return postgres


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--shares", type=int, default=20_000_000)
    parser.add_argument("--days", type=int, default=4)
    parser.add_argument("--workers", type=int, default=2500)
    parser.add_argument("--blocks", type=int, default=20)
    parser.add_argument("--only", default="", metavar="PATTERN", help="measure those questions alone whose names match")
    parser.add_argument("--warm", type=int, default=2, metavar="N", help="so many times warm, of which the best counts: more where the machine is not idle")
    parser.add_argument("--remove", action="store_true", help="remove the cluster at the end")
    args = parser.parse_args()
    postgres = prepare(args)
    size = postgres.psql("SELECT pg_size_pretty(sum(pg_total_relation_size(oid)) FILTER (WHERE relname LIKE 'shares%')), pg_size_pretty(sum("
                         "pg_total_relation_size(oid)) FILTER (WHERE relname LIKE 'share_sums%')) FROM pg_class WHERE relkind = 'r'")
    print(f"shares and their sums take {size.replace('|', ' and ')} with indexes")
    print("\n| what | cold, ms | warm, ms |\n|---|---|---|")
    found = {}
    for name in [name for name in (*STATEMENTS, *API, *REPORTS) if re.search(args.only, name)]:
        postgres.stop()
        forget_files(postgres.data)
        postgres.start()
        cold = ask(postgres, name)[0]
        warm = min(ask(postgres, name)[0] for _ in range(args.warm))
        found[name] = summary(ask(postgres, name, explained=True)[1])
        print(f"| `{name}` | {1000 * cold:.0f} | {1000 * warm:.0f} |", flush=True)
    for name, lines in found.items():
        print("\n".join([f"\n{name}", *lines]))
    postgres.destroy() if args.remove else postgres.close()


if __name__ == "__main__":
    main()
