"""`phasepool payout` from the operator's side: plan, show, send, settle, cancel, and what goes wrong between them.

Everything is done with a scripted wallet, and where there is a bitcoind, with its wallet too: there the chain itself says
who was paid.
"""

import subprocess
import threading

import pytest

from framework.paying import KINDS, for_a_module
from framework.scripted_wallet import ScriptedWallet, new_address


@pytest.fixture(scope="module", params=KINDS)
def world(request):
    yield from for_a_module(request, check_what_was_sent)


def check_what_was_sent(world):
    """Of all that was ever handed to the network by whichever tests ran here: nothing that is not recorded as its payment's one transaction."""
    if isinstance(world.wallet, ScriptedWallet):
        recorded = {row[0] for row in world.query("SELECT encode(txid, 'hex') FROM payments WHERE txid IS NOT NULL")}
        assert {txid for txid, _ in world.wallet.sent} <= recorded


@pytest.fixture
def scripted(world):
    if world.wallet.kind != "scripted":
        pytest.skip("told by a script; bitcoind's own words are in the tests beside this one")
    return world


@pytest.fixture(autouse=True)
def clean(world):
    if world.wallet.kind == "scripted":
        world.wallet.behave()
    world.forgive()


def settle_all(world):
    world.wallet.mine(6)
    assert world.run("settle", "--commit").returncode in (0, 3)  # some may have been left to people


def test_a_payment_from_plan_to_settled(world):
    rich, poor, small = world.owe(700_000), world.owe(50_000), world.owe(9_999)
    before = world.accounts()
    dry = world.run("plan")
    assert dry.returncode == 0 and "--commit does that" in dry.stdout, dry.stdout + dry.stderr
    assert "carried     9999 sats of 1 miners" in dry.stdout
    assert dry.stdout.index(rich) < dry.stdout.index(poor) and small not in dry.stdout
    assert world.query("SELECT count(*) FROM payments WHERE state NOT IN ('settled', 'cancelled')") == [(0,)]

    payment = world.plan()
    assert world.balance(rich) == (0, 700_000, 0) and world.balance(small) == (9_999, 0, 0)
    assert "would choose inputs" in world.run("send", payment).stdout
    assert world.state(payment) == "planned" and not world.wallet.locks()

    world.do("send", payment, "--fee-rate", "3.5")
    assert world.steps(payment) == ["planned", "funded", "locked", "signed", "sent"]
    assert world.wallet.paid(rich, confirmed=False) == [700_000] and world.wallet.paid(rich) == []
    assert "in the node's mempool" in world.run("show", payment).stdout
    assert "0 of 6" in world.do("settle") or "not in a block yet" in world.do("settle")
    world.wallet.mine(5)
    assert "5 of 6 confirmations" in world.do("settle")
    assert world.state(payment) == "sent"
    world.wallet.mine(1)
    assert "would be settled" in world.run("settle", payment).stdout and world.state(payment) == "sent"
    world.do("settle", payment)

    assert world.balance(rich) == (0, 0, 700_000) and world.balance(poor) == (0, 0, 50_000)
    assert world.wallet.paid(rich) == [700_000] and world.wallet.paid(poor) == [50_000]
    fee = world.json("show", payment)["payments"][0]["fee_sats"]
    after = world.accounts()
    assert fee > 0 and after["network_fees"] - before.get("network_fees", 0) == fee
    assert after["reserve"] - before.get("reserve", 0) == -fee
    assert after["paid"] - before.get("paid", 0) == 750_000 and after.get("in_transit", 0) == before.get("in_transit", 0)
    assert sum(after.values()) == 0
    assert "settled, " in world.do("send", payment)  # nothing is sent again
    assert "it is settled" in world.do("settle", payment, rc=3) and "settled already" in world.do("cancel", payment, rc=3)


def test_a_lower_minimum_few_outputs_and_single_addresses(world):
    miners = [world.owe(20_000 + i) for i in range(5)]
    low = world.owe(600)
    plan = world.json("plan", "--minimum", 500, "--max-outputs", 2)
    sizes = [len(payment["outputs"]) for payment in plan["payments"]]
    assert max(sizes) == 2 and sum(sizes) >= 6 and not plan["committed"] and plan["payments"][0]["id"] is None
    one = world.json("plan", "--address", miners[3], "--commit")
    assert [out["address"] for payment in one["payments"] for out in payment["outputs"]] == [miners[3]]
    done = world.run("plan", "--address", new_address(), "--commit")
    assert done.returncode == 3 and "nothing is owed to bcrt1" in done.stderr, done.stderr
    rest = world.json("plan", "--minimum", 500, "--max-outputs", 2, "--commit")
    assert low in str(rest)
    ids = [one["payments"][0]["id"]] + [payment["id"] for payment in rest["payments"]]
    for payment in ids:
        world.do("send", payment, "--conf-target", 3, "--max-fee-sats", 200_000)
    settle_all(world)
    for payment in ids:
        assert world.state(payment) == "settled"
    assert [world.wallet.paid(miner) for miner in miners] == [[20_000 + i] for i in range(5)]
    assert world.wallet.paid(low) == [600]


def test_what_cannot_be_paid_is_left_out_and_named(world):
    dust, foreign = world.owe(200), world.owe(30_000, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4")
    wrong = world.owe(30_000, "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt081")
    plan = world.json("plan", "--minimum", 1)
    why = {left["address"]: left["why"] for left in plan["left_out"]}
    assert "below 294 sats" in why[dust]
    assert "not valid on regtest" in why[foreign] and "checksum" in why[wrong]
    world.forgive()
    assert "nobody is owed" in world.do("plan", rc=3)


def test_cancelled_before_it_is_signed(world):
    miner = world.owe(40_000)
    first = world.plan()
    world.do("cancel", first)
    assert world.state(first) == "cancelled" and world.balance(miner) == (40_000, 0, 0)
    second = world.plan()
    assert world.dies("send", second, kill="payout_after_commit:2")
    assert world.state(second) == "funded" and world.wallet.locks()
    world.do("cancel", second)
    assert world.state(second) == "cancelled" and not world.wallet.locks()
    assert world.balance(miner) == (40_000, 0, 0)
    assert "it was cancelled" in world.do("send", second, rc=3)
    assert "cancelled already" in world.do("cancel", second, rc=3)
    third = world.plan()
    world.do("send", third)
    settle_all(world)
    assert world.wallet.paid(miner) == [40_000]


def test_no_cancelling_of_what_was_signed_until_it_is_ruled_out(world):
    miner = world.owe(60_000)
    payment = world.plan()
    assert world.dies("send", payment, kill="payout_after_commit:3")
    assert world.state(payment) == "signed"
    assert "spend one of its inputs" in world.do("cancel", payment, rc=3)
    # The owner takes an input back, in the wallet itself.
    txid, index = world.input_of(payment)
    world.wallet.spend_elsewhere(txid, index)
    assert "spend one of its inputs" in world.do("cancel", payment, rc=3)
    world.wallet.mine(99)
    refused = world.do("cancel", payment, rc=3)
    assert "99 confirmations" in refused and "from 100 on" in refused
    assert "can be cancelled" in world.do("send", payment, rc=3)
    assert "can be cancelled" in world.do("settle", payment, rc=3)
    world.wallet.mine(1)
    assert "would be cancelled" in world.run("cancel", payment).stdout
    world.do("cancel", payment)
    assert world.state(payment) == "cancelled" and world.balance(miner) == (60_000, 0, 0)
    assert world.query("SELECT conflict_txid IS NOT NULL FROM payments WHERE id = %s", payment) == [(True,)]
    assert world.wallet.paid(miner, confirmed=False) == []
    again = world.plan()
    world.do("send", again)
    settle_all(world)
    assert world.wallet.paid(miner) == [60_000] and world.balance(miner) == (0, 0, 60_000)


def test_a_sent_payment_that_lost_to_another_spend(world):
    miner = world.owe(61_000)
    payment = world.plan()
    world.do("send", payment)
    world.wallet.evict()
    world.wallet.spend_elsewhere(*world.input_of(payment))
    world.wallet.mine(100)
    assert "can be cancelled" in world.do("settle", payment, rc=3)
    world.do("cancel", payment)
    assert world.balance(miner) == (61_000, 0, 0)
    again = world.plan()
    world.do("send", again)
    settle_all(world)
    assert world.wallet.paid(miner) == [61_000]


def test_evicted_from_the_mempool_it_is_sent_again(world):
    miner = world.owe(70_000)
    payment = world.plan()
    world.do("send", payment)
    first = world.txid(payment)
    world.wallet.evict()
    assert world.wallet.paid(miner, confirmed=False) == []
    assert "send it again" in world.run("show", payment).stdout + world.do("settle", payment)
    assert "sent again" in world.do("send", payment)
    assert world.txid(payment) == first and world.wallet.paid(miner, confirmed=False) == [70_000]
    assert world.steps(payment)[-1] == "sent again"
    settle_all(world)
    assert world.wallet.paid(miner) == [70_000] and world.state(payment) == "settled"


def test_a_reorganisation_before_it_is_settled(world):
    miner = world.owe(71_000)
    payment = world.plan()
    world.do("send", payment)
    world.wallet.mine(3)
    assert "3 of 6" in world.do("settle", payment)
    world.wallet.disconnect(3)
    world.wallet.mine(4, with_mempool=False)
    world.wallet.evict()
    assert "send it again" in world.do("settle", payment)
    world.do("send", payment)
    world.wallet.mine(1)
    assert "1 of 6" in world.do("settle", payment)
    world.wallet.mine(5)
    world.do("settle", payment)
    assert world.wallet.paid(miner) == [71_000] and world.balance(miner) == (0, 0, 71_000)


def test_a_reorganisation_after_it_was_settled_sends_the_same_bytes(world):
    miner = world.owe(72_000)
    payment = world.plan()
    world.do("send", payment)
    world.wallet.mine(6)
    world.do("settle", payment)
    world.wallet.disconnect(6)
    world.wallet.mine(7, with_mempool=False)
    world.wallet.evict()
    assert world.wallet.paid(miner) == []
    assert "sent again" in world.do("send", payment)
    world.wallet.mine(1)
    assert world.wallet.paid(miner) == [72_000] and world.balance(miner) == (0, 0, 72_000)
    assert world.state(payment) == "settled"


def test_a_bumped_fee_is_the_same_payment(world):
    miner = world.owe(73_000)
    payment = world.plan()
    world.do("send", payment, "--fee-rate", "2")
    recorded = world.json("show", payment)["payments"][0]["fee_sats"]
    before = world.accounts()
    replacement = world.wallet.bump_fee(world.txid(payment))
    assert replacement != world.txid(payment)
    world.wallet.mine(100)
    assert "settle it" in world.do("cancel", payment, rc=3)  # it would be paid twice
    assert "settle it" in world.do("send", payment, rc=3)
    world.do("settle", payment)
    shown = world.json("show", payment)["payments"][0]
    assert shown["settled_txid"] == replacement and shown["fee_sats"] > recorded
    after = world.accounts()
    assert after["network_fees"] - before["network_fees"] == shown["fee_sats"]
    assert world.wallet.paid(miner) == [73_000] and world.balance(miner) == (0, 0, 73_000)


def test_inputs_spent_before_signing_are_replaced(world):
    miner = world.owe(75_000)
    payment = world.plan()
    assert world.dies("send", payment, kill="payout_after_commit:1")  # recorded, not yet locked
    assert world.state(payment) == "funded"
    world.wallet.spend_elsewhere(*world.input_of(payment))
    world.do("send", payment)
    assert world.steps(payment) == ["planned", "funded", "taken back", "funded", "locked", "signed", "sent"]
    settle_all(world)
    assert world.wallet.paid(miner) == [75_000]


def test_fees_that_are_too_high_or_too_low(world):
    miner = world.owe(76_000)
    payment = world.plan()
    assert "at most 10000 are allowed" in world.do("send", payment, "--fee-rate", "500", rc=1)
    assert "at most 10 are allowed" in world.do("send", payment, "--max-fee-sats", "10", rc=1)
    assert world.state(payment) == "planned" and not world.wallet.locks()
    low = world.do("send", payment, "--fee-rate", "0.01", rc=1)
    assert "would not take it: min relay fee not met" in low and "--fee-rate" in low
    assert world.state(payment) == "planned" and not world.wallet.locks()
    world.do("send", payment, "--fee-rate", "5")
    settle_all(world)
    assert world.wallet.paid(miner) == [76_000]


def test_more_than_the_wallet_has(world):
    world.owe(10**12)
    done = world.run("plan", "--commit")
    assert done.returncode == 1 and "and 1000000" in done.stderr and "send it coins" in done.stderr, done.stderr
    assert world.query("SELECT count(*) FROM payments WHERE state = 'planned'") == [(0,)]
    # Planned when there was enough.
    world.query("SELECT plan_payment('payouts', 'test', array_agg(miner_id), array_agg(balance_sats)) FROM miner_balances"
                " WHERE balance_sats > 0")
    payment = world.query("SELECT max(id) FROM payments")[0][0]
    assert "Insufficient funds: the wallet has not enough" in world.do("send", payment, rc=1)
    world.do("cancel", payment)


def test_two_at_once(world):
    """Of two commands one works and the other says so; whichever order, the payment is made once."""
    miner = world.owe(77_000)
    payment = world.plan()
    done = []
    threads = [threading.Thread(target=lambda: done.append(world.run("send", payment, "--commit"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {each.returncode for each in done} <= {0, 3} and 0 in {each.returncode for each in done}
    for each in done:
        assert each.returncode == 0 or "another payout command is at work" in each.stderr
    settle_all(world)
    assert world.wallet.paid(miner) == [77_000] and world.balance(miner) == (0, 0, 77_000)


def test_the_lock_is_held_while_a_command_runs(world):
    world.owe(78_000)
    holder = subprocess.Popen([world.cluster.postgres.bin / "psql", "-X", "-q", "-h", world.cluster.postgres.sockets, "-U", "phasepool",
                               "-d", "phasepool"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    holder.stdin.write("SELECT 'held', pg_advisory_lock(payments_lock_key());\n")
    holder.stdin.flush()
    assert any("held" in holder.stdout.readline() for _ in range(5))
    assert "another payout command" in world.do("plan", rc=3)
    assert world.run("plan").returncode == 0  # a look needs no lock
    holder.communicate("", timeout=10)
    world.do("cancel", world.plan())


def test_wrong_ids_and_usage(world):
    assert "there is no payment 999999" in world.do("send", 999999, rc=3)
    for args, what in [(("send",), "ID"), (("send", "x"), "ID"), (("send", 1, "--fee-rate", "1e3"), "three decimals"),
                       (("send", 1, "--fee-rate", "0"), "three decimals"), (("plan", "--minimum", "0"), "minimum"),
                       (("plan", "--max-outputs", "100000"), "max-outputs"), (("settle", "--confirmations", "0"), "confirmations"),
                       (("plan", "--node", "7"), "--node 7"), ((), "subcommand")]:
        done = world.run(*args)
        assert done.returncode == 2 and what in done.stderr, (args, done.stderr)
    assert world.run("show", 999999).returncode == 3


def test_a_wallet_that_is_not_fit(world):
    world.owe(79_000)
    payment = world.plan()
    world.pool.config["payout"]["wallet"] = "nobody's"
    try:
        done = world.run("plan", "--commit")
        assert done.returncode == 1 and 'no wallet "nobody\'s" loaded' in done.stderr, done.stderr
        del world.pool.config["payout"]["wallet"]
        done = world.run("plan")
        assert done.returncode == 2 and "payout.wallet is empty" in done.stderr
    finally:
        world.pool.config["payout"]["wallet"] = world.wallet.name
    world.do("cancel", payment)


def test_a_locked_wallet_a_foreign_chain_a_node_behind(scripted):
    scripted.owe(80_000)
    payment = scripted.plan()
    wallet = scripted.wallet
    wallet.encrypted = True
    assert "walletpassphrase" in scripted.do("send", payment, rc=1)
    wallet.encrypted = False
    wallet.refuses["signrawtransactionwithwallet"] = (-13, "Error: Please enter the wallet passphrase")
    assert "walletpassphrase" in scripted.do("send", payment, rc=1)  # it locked itself meanwhile
    wallet.refuses.clear()
    assert scripted.state(payment) == "funded"
    wallet.chain = "test"
    assert 'on chain "test"' in scripted.do("send", payment, rc=1)
    wallet.chain = "regtest"
    wallet.refuses["getwalletinfo"] = (-32601, "Method not found")
    assert "has no wallets" in scripted.do("send", payment, rc=1)
    wallet.refuses = {"getblockchaininfo": (-28, "Loading block index...")}
    assert "starting up" in scripted.do("send", payment, rc=1)
    wallet.refuses.clear()
    scripted.do("send", payment)
    settle_all(scripted)


def test_a_node_that_is_away_between_signing_and_sending(scripted):
    miner = scripted.owe(81_000)
    payment = scripted.plan()
    assert scripted.dies("send", payment, kill="payout_after_commit:3")
    scripted.wallet.down = True
    assert "is bitcoind running" in scripted.do("send", payment, rc=1)
    shown = scripted.run("show", payment)
    assert shown.returncode == 0 and "is bitcoind running" in shown.stdout  # what is recorded is told all the same
    scripted.wallet.down = False
    scripted.wallet.refuses["sendrawtransaction"] = (-26, "mempool full")
    assert "it stays signed; the node does not take it" in scripted.do("send", payment, rc=1)
    scripted.wallet.refuses.clear()
    scripted.do("send", payment)
    settle_all(scripted)
    assert scripted.wallet.paid(miner) == [81_000]


def test_a_wallet_that_lies(scripted):
    """What it made is compared with what was recorded before it is signed, and before it is sent."""
    scripted.owe(82_000)
    payment = scripted.plan()
    wallet = scripted.wallet
    honest_fund, honest_sign = wallet.fundrawtransaction, wallet.signrawtransactionwithwallet
    other = bytes.fromhex("0014") + b"\x07" * 20

    def edited(text: str, change) -> str:
        from framework import bitcoin
        tx, _ = bitcoin.parse_tx(bytes.fromhex(text), 0)
        change(tx)
        return tx.full().hex()

    def pays_less(tx):
        next(out for out in tx.outputs if out.value == 82_000).value -= 1

    def change_elsewhere(tx):
        next(out for out in tx.outputs if out.value != 82_000).script = other

    try:
        for change, complaint in [(pays_less, "none of the payment's"), (change_elsewhere, "is not the wallet's")]:
            def fund(text, options, iswitness, change=change):
                answer = honest_fund(text, options, iswitness)
                return {**answer, "hex": edited(answer["hex"], change)}
            wallet.fundrawtransaction = fund
            assert complaint in scripted.do("send", payment, rc=1)
            assert scripted.state(payment) == "planned"
        wallet.fundrawtransaction = honest_fund
        def sign(text):
            answer = honest_sign(text)
            return {**answer, "hex": edited(answer["hex"], change_elsewhere)}
        wallet.signrawtransactionwithwallet = sign
        assert "what was signed is not what was recorded" in scripted.do("send", payment, rc=1)
        assert scripted.state(payment) == "funded"
    finally:
        wallet.fundrawtransaction, wallet.signrawtransactionwithwallet = honest_fund, honest_sign
    scripted.do("send", payment)
    settle_all(scripted)


def test_a_conflict_that_pays_a_miner_otherwise_is_left_to_people(world):
    miner = world.owe(74_000)
    payment = world.plan()
    world.do("send", payment)
    world.wallet.evict()
    world.wallet.spend_elsewhere(*world.input_of(payment), to=miner, value=30_000)
    world.wallet.mine(101)
    for command in ("cancel", "settle", "send"):
        assert "by hand" in world.do(command, payment, rc=3)
    assert world.state(payment) == "sent" and world.balance(miner) == (0, 74_000, 0)


def test_the_database_is_away(world):
    world.cluster.postgres.stop()
    try:
        done = world.run("show")
        assert done.returncode == 1 and "start PostgreSQL" in done.stderr, done.stderr
    finally:
        world.cluster.postgres.start()
    assert world.run("show").returncode == 0
