"""`phasepool verify coherence` and `verify chain` against proofs and a chain that Python made from docs/coherence.md alone: true ones are
accepted, and each forgery is refused at the step where it lies, although every hash was made to fit."""

import json
import pathlib
import struct
import subprocess

import pytest
from framework import coh1
from framework.util import BIN

HEADER = bytes(range(76))


def phasepool(*args) -> subprocess.CompletedProcess:
    return subprocess.run([BIN / "phasepool", *args], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, check=False)


def verdict(tmp_path: pathlib.Path, *proofs) -> list:
    """A line for each proof: what `verify coherence` says of it, without file and line; the exit status must fit."""
    path = tmp_path / "proofs.jsonl"
    path.write_text("".join(json.dumps(proof) + "\n" for proof in proofs))
    result = phasepool("verify", "coherence", path)
    lines = [line for line in result.stdout.splitlines() if f"{path} line " in line]
    assert len(lines) == len(proofs), result.stdout + result.stderr
    assert result.returncode == (1 if any(line.startswith("FAIL") for line in lines) else 0)
    return [line.split(": ", 1)[1] if line.startswith("FAIL") else "ok" for line in lines]


@pytest.fixture(scope="module")
def bloom() -> coh1.Bloom:
    """The first of attempt 0, level 0."""
    found = coh1.run(coh1.phases_of(HEADER, 7, 0, coh1.PARAMS), 0)
    assert found
    return found


def forge(certificate: bytes, attempt: int = 0, extranonce: int = 7, params: int = coh1.PARAMS) -> dict:
    return coh1.proof_of(HEADER, extranonce, attempt, params, certificate)


def test_known_answer(tmp_path):
    """Python, from the page alone, finds what the page says, and phasepool agrees."""
    proof = coh1.mine(bytes(76), 0, level=2)
    assert proof["attempt"] == "0" * 16
    assert proof["work_hash"] == "c49efeb9cbaa2fce2261ca652993049a7e0571c651b4f2190cde7617129d840b"
    assert verdict(tmp_path, proof) == ["ok"]


def test_true_proofs_are_accepted(tmp_path):
    proofs = [coh1.mine(HEADER, extranonce, attempt=2**64 - 1 - extranonce, target=2**255) for extranonce in (0, 1, 2**64 - 1)]
    assert verdict(tmp_path, *proofs) == ["ok", "ok", "ok"]


def test_forged_blooms_fail_at_the_replay(tmp_path, bloom):
    true = coh1.certificate_of(bloom)
    equal = true[:80] + struct.pack("<I", 0x12345678) * 63
    shifted = [struct.pack("<II", bloom.end - 6 + by, bloom.end + by) + true[8:] for by in (-1, 1)]
    later = coh1.run(coh1.phases_of(HEADER, 7, 0, coh1.PARAMS), 0, earliest=bloom.end + 1)
    hidden = coh1.certificate_of(later)  # true in itself, but not the first
    changed_r = true[:24] + struct.pack("<I", coh1.float_bits(60000)) + true[28:]
    said = verdict(tmp_path, forge(true), forge(equal), *map(forge, shifted), forge(hidden), forge(changed_r))
    earlier = f"replay: an earlier bloom, states {bloom.end - 6} to {bloom.end}, where the certificate has "
    assert said[0] == "ok"
    assert said[1] == f"replay: phase 0 of the certificate is 12345678, the replay has {bloom.phases[0]:08x}"
    assert said[2] == f"replay: no bloom up to state {bloom.end - 1}"
    assert said[3] == f"{earlier}{bloom.end - 5} to {bloom.end + 1}"
    assert said[4] == f"{earlier}{later.end - 6} to {later.end}"
    assert said[5].startswith("replay: r 0 of the certificate is 0000ea60")


def test_stolen_and_moved_proofs_fail(tmp_path, bloom):
    true = coh1.certificate_of(bloom)
    said = verdict(tmp_path, forge(true, extranonce=8), forge(true, params=coh1.PARAMS + 1), forge(true, attempt=24),
                   forge(true, params=coh1.PARAMS + 6), forge(true, params=0x00020000))
    assert all(each.startswith("replay: ") for each in said[:3])
    assert said[3] == "params: params are 00010006, expected 0001000L with a level L of 0 to 5"
    assert said[4] == "params: params are 00020000, expected 0001000L with a level L of 0 to 5"


def test_records_that_contradict_themselves_fail(tmp_path, bloom):
    true = forge(coh1.certificate_of(bloom))
    other_nonce = true["header92"][:152] + "00000000" + true["header92"][160:]
    said = verdict(tmp_path, {**true, "header92": other_nonce}, {**true, "work_hash": "00" * 32}, {**true, "target": f"{1:064x}"},
                   {**true, "certificate": true["certificate"][:-2]}, {**true, "certificate": "ff" + true["certificate"][2:]},
                   {key: value for key, value in true.items() if key != "params"}, {**true, "attempt": 0})
    assert said[0].startswith("header: nonce is 00000000, expected ")
    assert said[1].startswith("work hash: is 00000000")
    assert said[2].startswith("target: the work hash, as a number ")
    assert said[3].startswith("form: certificate is ")
    assert said[4].startswith("certificate: bloom_end is ")
    assert said[5] == "form: params is missing, not a string of 16 hex digits".replace("16", "8")
    assert said[6] == "form: attempt is 0, not a string of 16 hex digits"


def test_a_chain_of_python_is_one_of_the_pool(tmp_path):
    """Six blocks over two retargets; then each lie about them."""
    chain = coh1.Chain()
    for seconds in (3, 4, 30, 2, 40, 5):
        chain.add(seconds)
    chain.write(tmp_path)
    witness = tmp_path / "witness.log"
    hashes = ["00" * 32] + [block["hash"] for block in chain.blocks]
    witness.write_text("".join(f"{height} {prev} {1769000000 + height}\n" for height, prev in enumerate(hashes)))
    assert len({struct.unpack("<I", bytes.fromhex(block["header"])[72:])[0] for block in chain.blocks}) == 3  # both retargets did something

    def verify(*args) -> tuple:
        result = phasepool("verify", "chain", tmp_path, *args)
        return result.returncode, [line for line in result.stdout.splitlines() if line.startswith("FAIL")]
    assert verify("--witness", witness) == (0, [])

    def told(change) -> str:
        forged = coh1.Chain()
        forged.blocks, forged.proofs = json.loads(json.dumps(chain.blocks)), json.loads(json.dumps(chain.proofs))
        change(forged)
        forged.write(tmp_path)
        code, fails = verify()
        assert code == 1
        return fails[0].split(None, 2)[2]
    assert told(lambda forged: forged.blocks.pop(2)) == "3: expected height 2: a block is missing or out of order"
    assert told(lambda forged: forged.blocks.insert(1, forged.blocks.pop(2))) == "2: expected height 1: a block is missing or out of order"
    assert told(lambda forged: forged.proofs.pop(3)).endswith(", is not here")
    assert told(lambda forged: forged.blocks[3].update(bitcoin_tip="11" * 32)).startswith("3: merkle_root is ")
    assert told(lambda forged: forged.blocks[3].update(params="00010001")).startswith("3: level is 1, expected 0")

    another = coh1.Chain()  # mined anew as a whole, and true
    for seconds in (3, 4, 31, 2, 40, 5):
        another.add(seconds)
    another.write(tmp_path)
    assert verify() == (0, [])
    code, fails = verify("--witness", witness)
    assert code == 1
    assert "line 4: height 3 was mined on " in fails[0]
