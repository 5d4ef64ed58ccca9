"""phaseminer as a program: its configuration file, what it answers and writes while it mines, how it ends, its self test.

Against a real pool whose shares are easy, so that all of it happens within seconds.
"""

import hashlib
import json
import socket
import subprocess

from framework import bitcoin
from framework.miner import Miner
from framework.util import BIN, free_port, wait_until

EASY = 0.0005
EASY_COHERENCE = {"level": 0, "initial_bits": "20040000", "start_difficulty": 8, "min_difficulty": 8, "shares_per_minute": 60}


def run(*arguments, timeout=300) -> subprocess.CompletedProcess:
    return subprocess.run([Miner.program, *map(str, arguments)], capture_output=True, text=True, timeout=timeout, check=False)


def ask_api(port: int, request: str) -> str:
    """One request, as cgminer's tools make it: no newline, and read until the end."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as api:
        api.sendall(request.encode())
        answer = b""
        while chunk := api.recv(4096):
            answer += chunk
    assert answer.endswith(b"\0"), answer
    return answer[:-1].decode()


class ConfiguredMiner(Miner):
    """Everything it is told stands in its configuration file."""

    def __init__(self, folder, port: int, **keys):
        super().__init__(folder, port)
        config = {"pools": [{"url": f"stratum+tcp://127.0.0.1:{port}", "user": f"{bitcoin.PAYOUT_ADDRESS}.rig1", "pass": "x"}],
                  "threads": 2, "json": True, "nice": 12, **keys}
        path = self.folder / "phaseminer.json"
        path.write_text("// as a person writes it\n" + json.dumps(config))
        self.args = [self.program, "-c", path]

    @property
    def last(self) -> dict:
        return self.lines[-1] if self.lines else {}


def lines_of(folder, name: str) -> list:
    return [json.loads(line) for path in folder.glob(f"**/{name}_*.jsonl") for line in path.read_text().splitlines()]


def test_configured_by_a_file_it_answers_and_reports(cluster):
    pool = cluster.start(difficulty=EASY)
    port = free_port()
    reports = cluster.folder / "reports"
    miner = cluster.also_close(ConfiguredMiner(cluster.folder / "miner", pool.stratum_port, **{"api-bind": port, "report_dir": str(reports)}))
    miner.start()
    wait_until(lambda: miner.last.get("accepted", 0) >= 3, 120, "three accepted shares")

    now = miner.last
    assert now["pool"] == f"stratum+tcp://127.0.0.1:{pool.stratum_port}" and len(now["thread_hash_rates"]) == 2, now
    assert now["best_share"] >= EASY
    summary = json.loads(ask_api(port, '{"command":"summary"}'))
    assert summary["SUMMARY"][0]["Accepted"] >= 3 and summary["SUMMARY"][0]["MHS av"] > 0, summary
    assert ask_api(port, "version").startswith("STATUS=S,")
    both = json.loads(ask_api(port, "devs+pools\n"))
    assert len(both["devs"][0]["DEVS"]) == 2
    assert sum(dev["Accepted"] for dev in both["devs"][0]["DEVS"]) == both["pools"][0]["POOLS"][0]["Accepted"] >= 3
    assert both["pools"][0]["POOLS"][0]["User"] == f"{bitcoin.PAYOUT_ADDRESS}.rig1"
    assert json.loads(ask_api(port, '{"command":"quit"}'))["STATUS"][0]["Code"] == 45, "what would change something"

    assert miner.stop() == 0, "phaseminer's exit status after SIGTERM"
    check_reports(reports / "Mining", miner.last)


def check_reports(mining, last: dict):
    hours = [json.loads(path.read_text()) for path in mining.glob("System/System_Reports/Miners/Hourly/*/*/*/*/system_report_*.json")]
    assert sum(hour["accepted"] for hour in hours) == last["accepted"], "every accepted share in one hour's report"
    assert sum(hour["hashes"] for hour in hours) == last["hashes"]
    ledger = lines_of(mining / "Ledgers", "ledger")
    assert [entry["type"] for entry in ledger[:1]] == ["start"] and ledger[-1]["type"] == "end", ledger
    assert any(entry["type"] == "attempt" for entry in ledger)
    sent = [entry for entry in ledger if entry["type"] == "submission"]
    assert sum(entry["accepted"] for entry in sent) == last["accepted"], "every answered share in the ledger"
    proofs = list(mining.glob("Math_Proofs/*/*/*/*/block_*.json"))
    assert len(proofs) >= min(last["blocks_found"], 1), "a found block has its record"
    for proof in proofs:
        check_block_proof(json.loads(proof.read_text()))


def check_block_proof(proof: dict):
    """Offline, by nothing but the record."""
    def sha256d(data: bytes) -> bytes:
        return hashlib.sha256(hashlib.sha256(data).digest()).digest()
    header = bytes.fromhex(proof["header"])
    assert sha256d(header)[::-1].hex() == proof["hash"]
    assert int(proof["hash"], 16) <= int(proof["target"], 16)
    root = sha256d(bytes.fromhex(proof["coinbase"]))
    for branch in proof["merkle_branch"]:
        root = sha256d(root + bytes.fromhex(branch))
    assert root == header[36:68], "the coinbase and its branch lead to the header's merkle root"


def test_a_report_folder_that_can_not_be_written_stops_nothing(cluster):
    pool = cluster.start(difficulty=EASY)
    in_the_way = cluster.folder / "reports"
    in_the_way.write_text("a file, no folder")
    miner = cluster.also_close(ConfiguredMiner(cluster.folder / "miner", pool.stratum_port, report_dir=str(in_the_way)))
    miner.start()
    wait_until(lambda: miner.last.get("accepted", 0) >= 3, 120, "three accepted shares")
    wait_until(lambda: "mining goes on without them" in (miner.folder / "phaseminer.log").read_text(), 60, "why there are no reports")
    assert miner.stop() == 0


def test_selftest_asks_the_node_and_mines_for_the_pool(cluster):
    pool = cluster.start(difficulty=EASY)
    node = cluster.node
    where = node.url.removeprefix("http://")
    tested = run("selftest", "--network", "-o", f"127.0.0.1:{pool.stratum_port}", "-u", f"{bitcoin.PAYOUT_ADDRESS}.test",
                 "--solo", f"http://{node.user}:{node.password}@{where}")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    lines = {tuple(line.split()[:2]): line for line in tested.stdout.splitlines()}
    for part in (("work", "division"), ("coherence", "replay"), ("rpc", "template"), ("network", "share")):
        assert " ok" in lines[part], lines
    assert "regtest" in lines["rpc", "chain"]
    assert node.password not in tested.stdout + tested.stderr

    refused = run("selftest", "--network", "-o", f"127.0.0.1:{pool.stratum_port}", "-u", "nobody", "--retries", 0)
    assert refused.returncode == 1 and "refused user" in refused.stdout, refused.stdout


def test_how_it_ends(cluster):
    """0 after a time limit, 1 when it gives up, 2 after a mistake: each says why."""
    closed = free_port()
    limited = run("-o", f"127.0.0.1:{closed}", "-u", "a", "-t", 1, "--time-limit", 1)
    assert limited.returncode == 0 and limited.stdout.splitlines()[-3].startswith("ran "), limited.stdout
    gone = run("-o", f"127.0.0.1:{closed}", "-u", "a", "-t", 1, "--retries", 0)
    assert gone.returncode == 1 and "giving up" in gone.stdout, gone.stdout
    config = cluster.folder / "bad.json"
    config.write_text('{"url": "h", "user": "a", "threads": "many"}')
    mistaken = run("-c", config)
    assert mistaken.returncode == 2 and '"many"' in mistaken.stderr and "bad.json" in mistaken.stderr, mistaken.stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        busy = run("-o", f"127.0.0.1:{closed}", "-u", "a", "-t", 1, "-b", port)
    assert busy.returncode == 2 and f"cannot listen on 127.0.0.1:{port}" in busy.stderr, busy.stderr


def test_the_record_of_a_coherence_proof_is_checked_by_the_pool(cluster):
    cluster.start_postgres()
    cluster.start_node()
    pool = cluster.make_pool()
    pool.config["coherence"] = EASY_COHERENCE
    pool.migrate()
    pool.start()
    reports = cluster.folder / "reports"
    miner = cluster.miner(worker="phases", extra=["--algo", "coherence", "--report-dir", reports])
    wait_until(lambda: miner.lines and miner.lines[-1]["coherence"]["accepted"] >= 1, 180, "an accepted coherence proof")
    assert miner.stop() == 0
    records = list(reports.glob("Mining/Math_Proofs/*/*/*/*/coherence_*.jsonl"))
    assert records, "its record"
    checked = subprocess.run([BIN / "phasepool", "verify", "coherence", *records], capture_output=True, text=True, timeout=300, check=False)
    assert checked.returncode == 0 and checked.stdout.count("ok ") >= len(records), checked.stdout + checked.stderr
    sent = [entry for entry in lines_of(reports / "Mining/Ledgers", "ledger") if entry["type"] == "coherence_submission"]
    assert sum(entry["accepted"] for entry in sent) == miner.lines[-1]["coherence"]["accepted"]
