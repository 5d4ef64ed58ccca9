#!/usr/bin/env python3
"""Write the seeds of corpus/session: scripts of session_fuzz.cpp with real handshakes and shares.

The steps and their numbers are those of step() in session_fuzz.cpp; when they change, run this again.
usage: session_seeds.py FOLDER
"""
import pathlib
import sys

ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
WHOLE = 15  # as the size of pieces


def step(number, slot=0, *arguments):
    return bytes([number | slot << 6, *arguments])


def say(text, slot=0, piece=WHOLE):
    data = text.encode() if isinstance(text, str) else text
    out = b""
    for start in range(0, len(data), 255):
        part = data[start:start + 255]
        out += step(0, slot, piece, len(part)) + part
    return out


def handshake(kind, slot=0):
    return step(2, slot, kind)


def submit(nonce, flaws=0, slot=0):
    return step(3, slot, nonce, flaws)


def job(bits):
    return step(5, 0, bits)


def connect(slot, address=0):
    return step(10, slot, address)


def ask(bits=0, slot=0):
    return step(16, slot, bits)


def prove(attempt, flaws=0, slot=0):
    return step(17, slot, attempt, flaws)


def coherence_job(bits=0):
    return step(18, 0, bits)


def verdict(bits=0, slot=0):
    return step(19, slot, bits)


FALSE = 128  # verdict
CLEAN, WAS_CLEAN, EASY_BLOCK, NONE = 16, 32, 64, 255  # coherence_job
NEW_TIP, TOLD_CLEAN, EASY = 1, 2, 4
TURN = step(14)
DURABLE = step(7, 0, 15) + step(7, 1, 15)
VAULTED = step(9)
SUBSCRIBE = '{"id":1,"method":"mining.subscribe","params":["cgminer/4.11.1"]}\n'
AUTHORIZE = '{"id":2,"method":"mining.authorize","params":["%s.rig","x"]}\n' % ADDRESS
CONFIGURE = ('{"id": 0, "method": "mining.configure", "params": [["version-rolling"], '
             '{"version-rolling.mask": "ffffffff"}]}\r\n')


def subscribe_again(session, rest=""):
    return say('{"id":1,"method":"mining.subscribe","params":["cgminer/4.11.1","%s"]}\n' % session + rest)


def tick(value):
    return step(6, 0, value)


def bytewise_submit():
    line = ('{"id":4,"method":"mining.submit","params":["%s.rig","0000000000010000","0000000000000000",'
            '"6553f100","00000007"]}\n' % ADDRESS)
    return say(line, piece=0)


SEEDS = {
    "proof": b"\0" + coherence_job() + ask() + handshake(0) + prove(1) + verdict() + TURN + DURABLE,
    "proof_only_asked_after_login": b"\0" + job(0) + handshake(0) + ask(2) + coherence_job(CLEAN) + job(8) + prove(1) + verdict() + TURN + DURABLE,
    "proof_and_share": b"\0" + job(0) + coherence_job() + ask() + handshake(0) + prove(1) + submit(1) + prove(2) + TURN + DURABLE
    + verdict(1) + verdict() + TURN + DURABLE,
    "proof_block": b"\0" + coherence_job(EASY_BLOCK) + ask() + handshake(0) + b"".join(prove(n) for n in range(4)) + verdict() * 4 + TURN + DURABLE,
    "proof_not_stored_then_again": b"\0" + coherence_job() + ask() + handshake(0) + prove(1) + verdict() + TURN + step(8, 0, 0) + prove(1)
    + verdict() + TURN + DURABLE,
    "proof_duplicate": b"\0" + coherence_job() + ask() + handshake(0) + prove(1) + prove(1) + verdict() + prove(1) + TURN + DURABLE,
    "proof_verifiers_full": b"\0" + coherence_job() + ask() + handshake(0) + b"".join(prove(n) for n in range(6)) + verdict() + prove(5)
    + verdict() * 4 + TURN + DURABLE,
    "proof_false": b"\0" + coherence_job() + ask() + handshake(0) + prove(1) + prove(2) + verdict(FALSE) + verdict() + TURN + DURABLE,
    "proof_of_who_left": b"\0" + coherence_job() + ask() + handshake(0) + prove(1) + prove(2) + verdict() + step(11) + verdict(FALSE) + TURN + DURABLE,
    "proof_stale": b"\0" + coherence_job() + ask() + handshake(0) + coherence_job(CLEAN) + prove(1, 2) + coherence_job(1) + prove(2) + verdict() + TURN + DURABLE,
    "proof_flaws": b"\0" + prove(1) + coherence_job() + ask() + prove(1) + handshake(0) + b"".join(prove(n, 1 << n) for n in range(6)) + verdict() * 4 + TURN + DURABLE,
    "proof_vardiff": b"\3" + coherence_job() + ask() + handshake(0) + b"".join(prove(n) + verdict() for n in range(40)) + TURN + DURABLE + tick(100)
    + coherence_job(1) + prove(41) + prove(42, 2) + verdict() * 2 + TURN + DURABLE,
    "coherence_taken_back": b"\0" + coherence_job() + ask() + handshake(0) + prove(1) + ask(1) + prove(2) + verdict() + ask() + prove(3) + verdict() + TURN + DURABLE,
    "coherence_none": b"\0" + coherence_job() + coherence_job(NONE) + ask() + handshake(0) + coherence_job(WAS_CLEAN) + ask() + TURN,
    "coherence_moves": b"\0" + connect(1) + coherence_job() + handshake(0, 1) + step(11, 1) + connect(0) + ask(2)
    + subscribe_again("00010000n", AUTHORIZE) + TURN + prove(1) + verdict(0, 1) + TURN + DURABLE,
    "share": b"\0" + job(0) + handshake(0) + submit(1) + TURN + DURABLE,
    "share_bytewise": b"\0" + job(0) + say(SUBSCRIBE + AUTHORIZE, piece=0) + bytewise_submit() + TURN + DURABLE,
    "share_not_stored_then_again": b"\0" + job(0) + handshake(0) + submit(1) + TURN + step(8, 0, 0) + submit(1) + TURN + DURABLE,
    "duplicate": b"\0" + job(0) + handshake(0) + submit(1) + submit(1) + TURN + DURABLE + submit(1),
    "duplicate_with_other_version_bits": b"\0" + job(0) + handshake(1) + submit(1) + submit(1, 16) + TURN + DURABLE,
    "block": b"\0" + job(EASY) + handshake(0) + b"".join(submit(n) for n in range(8)) + TURN + DURABLE + VAULTED * 4,
    "block_vaulted_first": b"\0" + job(EASY) + handshake(0) + b"".join(submit(n) for n in range(8)) + TURN + VAULTED * 8 + DURABLE,
    "block_stale_unauthorized_and_late": b"\0" + job(EASY) + handshake(0) + job(EASY | NEW_TIP)
    + b"".join(submit(n, 1 | 32 * (n % 2)) for n in range(8)) + TURN,
    "stale_after_new_tip": b"\0" + job(0) + handshake(0) + job(NEW_TIP) + tick(5) + submit(1, 1) + submit(1) + TURN + DURABLE,
    "superseded_is_not_stale": b"\0" + job(0) + handshake(0) + job(8) + submit(1, 1) + TURN + DURABLE,
    "job_after_handshake": b"\0" + handshake(0) + job(0) + submit(1) + TURN + DURABLE,
    "esp_miner": b"\0" + job(0) + handshake(1) + submit(1, 16) + TURN + DURABLE,
    "authorize_first": b"\0" + job(0) + handshake(2) + submit(1) + TURN + DURABLE,
    "nerdminer": b"\0" + job(0) + handshake(3) + tick(127) + say('{"id":3,"method":"mining.suggest_difficulty","params":[0.00015]}\n') + TURN,
    "configure_after_authorize": b"\0" + job(0) + handshake(0) + say(CONFIGURE) + job(0) + submit(1, 16) + TURN + DURABLE,
    "disconnect_before_durable": b"\0" + job(0) + handshake(0) + submit(1) + TURN + step(11) + DURABLE,
    "reconnect": b"\0" + job(0) + handshake(0) + submit(1) + TURN + connect(0) + handshake(0) + submit(1) + TURN + DURABLE,
    "two_miners": b"\0" + connect(1, 1) + job(0) + handshake(0) + handshake(1, 1) + submit(1) + submit(1, 0, 1) + TURN + DURABLE,
    "second_of_a_shard_is_refused": b"\x10" + connect(1, 1) + connect(2, 2) + handshake(0, 2) + handshake(0, 1),
    "vardiff": b"\2" + job(0) + handshake(0) + b"".join(submit(n) for n in range(40)) + TURN + DURABLE + tick(160) + job(0)
    + submit(41) + TURN + tick(200) + job(8) + DURABLE,
    "suggestions": b"\2" + job(0) + handshake(0) + say('{"id":3,"method":"mining.suggest_difficulty","params":[1024]}\n'
    '{"id":4,"method":"mining.suggest_difficulty","params":["0.001"]}\n'
    '{"id":null,"method":"mining.suggest_target","params":["%s"]}\n' % ("00000000ffff" + "0" * 52)) + job(0) + submit(1),
    "many_workers": b"\0" + job(0) + handshake(0) + say('{"id":"a","method":"mining.authorize","params":["%s.two"]}\n' % ADDRESS) + submit(1, 32) + TURN,
    "not_stratum": b"\0" + say("GET / HTTP/1.1\r\nHost: pool\r\n\r\n") + TURN,
    "tls_client_hello": b"\0" + say(bytes.fromhex("16030100c8010000c40303") + bytes(40)) + TURN,
    "three_bad_lines": b"\0" + job(0) + handshake(0) + say("{\n[]\n{}\n") + submit(1) + TURN,
    "line_without_end": b"\0" + handshake(0) + step(12, 0, 255, 97) + step(12, 0, 255, 97) + TURN,
    "handshake_timeout": b"\0" + say(SUBSCRIBE) + tick(200) + tick(200) + TURN,
    "idle": b"\0" + job(0) + handshake(0) + tick(251) + TURN,
    "flood": b"\0" + job(0) + handshake(0) + step(13, 0, 31) + tick(10) + tick(200),
    "limited": b"\x20" + job(0) + handshake(1) + submit(1) + tick(20) + submit(2) + tick(200) + connect(1) + connect(2) + connect(3) + TURN + DURABLE,
    "unauthorized_submits": b"\0" + job(0) + handshake(0) + b"".join(submit(n, 32) for n in range(12)) + TURN,
    "submit_flaws": b"\0" + job(0) + handshake(0) + submit(1, 8) + submit(2, 64) + submit(3, 16) + submit(4, 4) + TURN + DURABLE,
    "drain": b"\0" + job(0) + handshake(0) + submit(1) + TURN + step(15, 0, 0xdd) + submit(2) + DURABLE,
    "resume": b"\0" + job(0) + handshake(0) + submit(1) + TURN + step(11) + connect(0) + subscribe_again("00000000n") + say(AUTHORIZE)
    + submit(1) + submit(2) + TURN + DURABLE,
    "resume_with_a_share_of_an_earlier_job": b"\0" + job(0) + handshake(0) + job(8) + step(11) + connect(0) + subscribe_again("00000000n")
    + say(AUTHORIZE) + bytewise_submit() + TURN + DURABLE,
    "resume_at_the_other_shard": b"\0" + connect(1) + job(0) + handshake(0, 1) + submit(1, 0, 1) + TURN + step(11, 1) + connect(0)
    + subscribe_again("00010000n", AUTHORIZE) + TURN + submit(2) + submit(1) + TURN + DURABLE,
    "resume_where_moving_fails": b"\x40" + connect(1) + job(0) + handshake(0, 1) + step(11, 1) + connect(0)
    + say(CONFIGURE) + subscribe_again("00010000n", AUTHORIZE) + TURN + submit(2) + TURN + DURABLE,
    "disconnect_while_moving": b"\0" + connect(1) + job(0) + handshake(0, 1) + step(11, 1) + connect(0)
    + subscribe_again("00010000n", AUTHORIZE) + step(11) + TURN + connect(0) + handshake(0) + TURN,
    "new_instance": b"\0" + job(0) + handshake(1) + submit(1) + step(15, 0, 2) + submit(2) + job(8) + submit(3) + submit(4, 1) + TURN + DURABLE,
    "new_instance_before_authorize": b"\0" + job(0) + say(SUBSCRIBE) + say('{"id":5,"method":"mining.extranonce.subscribe","params":[]}\n')
    + step(15, 0, 2) + say(AUTHORIZE) + submit(1) + TURN + DURABLE,
    "new_instance_old_firmware": b"\0" + job(0) + handshake(0) + step(15, 0, 2) + submit(1) + job(8) + submit(2) + TURN + DURABLE,
    "suggestion_makes_a_notify": b"\2" + job(0) + handshake(0) + tick(160) + say('{"id":3,"method":"mining.suggest_difficulty","params":[0.5]}\n')
    + submit(1) + tick(10) + submit(2, 1) + TURN + DURABLE,
    "nothing_but_rejects": b"\0" + job(0) + handshake(0) + (submit(1, 8) + tick(157)) * 8 + TURN,
    "nameless_is_asked": b"\0" + job(0) + say('{"id":1,"method":"mining.subscribe","params":[]}\n' + AUTHORIZE) + tick(140)
    + say('{"id":1,"result":"cgminer/4.11.1","error":null}\n') + tick(10),
    "password_fixes_difficulty": b"\2" + job(0) + say(SUBSCRIBE + AUTHORIZE.replace('"x"', '"d=0.25,md=1"')) + job(8) + submit(1),
    "nicehash_with_password": b"\2" + job(0) + say(SUBSCRIBE.replace("cgminer/4.11.1", "NiceHash/1.0.0") + AUTHORIZE.replace('"x"', '"d=4"')) + job(8),
    "smallest_coinbase": b"\2" + job(EASY) + say(SUBSCRIBE.replace("cgminer/4.11.1", "NerdMinerV2/V1.8.3") + AUTHORIZE.replace('"x"', '"d=0.0000000003"'))
    + job(EASY | 8) + b"".join(submit(n) for n in range(8)) + TURN + DURABLE + VAULTED * 8,
    "grace_and_welcome": b"\x80" + job(0) + handshake(0) + job(NEW_TIP) + tick(10) + submit(1, 1) + tick(20) + submit(2, 1) + TURN + DURABLE,
    "other_methods": b"\0" + job(0) + handshake(0) + say('{"id":"xnsub","method":"mining.extranonce.subscribe","params":[]}\n'
    '{"id":"txlist1","method":"mining.get_transactions","params":["1"]}\n{"id":null,"method":"mining.capabilities","params":[{}]}\n'
    '{"id":7,"method":"pong","params":[]}\n{"id":1,"result":"cgminer/4.11.1","error":null}\n{"id":8,"method":"mining.multi_version","params":[1]}\n'),
}


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, script in SEEDS.items():
        (folder / name).write_bytes(script)


if __name__ == "__main__":
    main()
