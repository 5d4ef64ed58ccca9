"""sql/reports/reconciliation.sql: its last row is `difference`, and 0 if and only if every satoshi is where it should be."""

import pytest
from test_block_tracker import extend, find_block, wait_for

from framework import reports


@pytest.fixture(scope="module")
def postgres():
    with reports.filled_cluster() as made:
        yield made


@pytest.fixture
def filled(postgres):
    with reports.asking(postgres, "filled") as ask:
        yield ask


def lines(postgres, database: str) -> dict:
    """What stands at each item at the end; the last one is `difference`."""
    rows = reports.rows(postgres, database, "reconciliation")
    assert rows[-1]["item"] == "difference"
    return {row["item"]: int(row["closing_sats"]) for row in rows}


def pay(postgres, database: str) -> int:
    """One payment settled, one cancelled, one planned, of a third of every balance each; returns what was paid."""
    paid, = postgres.psql("SELECT sum(balance_sats / 3) FROM miner_balances WHERE balance_sats >= 3", database).split()
    for number in (1, 2, 3):
        postgres.psql("""SELECT plan_payment('pool', 'node 1', array_agg(miner_id), array_agg(credited / 3))
                         FROM (SELECT miner_id, balance_sats + in_transit_sats + paid_sats AS credited FROM miner_balances) b WHERE credited >= 3""", database)
        if number == 1:
            postgres.psql("""SELECT record_payment_funded(1, '\\x01', sha256('t'), '[{"txid": "00", "vout": 0, "sats": 1}]', 4230);
                             SELECT record_payment_signed(1, '\\x02', sha256('x')); SELECT record_payment_sent(1, '');
                             SELECT settle_payment(1, sha256('x'), 4230, sha256('b'), 100)""", database)
        if number == 2:
            postgres.psql("SELECT cancel_payment(2, NULL, NULL, 'changed my mind')", database)
    return int(paid)


def test_payments_are_part_of_it(postgres):
    postgres.create_database("paying", "filled")
    before = lines(postgres, "paying")
    paid = pay(postgres, "paying")
    after = lines(postgres, "paying")
    assert after["difference"] == 0
    assert after["miners: paid"] == after["miners: in transit"] == paid
    assert after["miners: owed and carried"] == before["miners: owed and carried"] - 2 * paid
    assert (after["reserve"], after["network fees"]) == (-4230, 4230)
    balances = reports.rows(postgres, "paying", "balances")
    assert sum(int(row["paid_sats"]) for row in balances) == paid
    assert [row["state"] for row in reports.rows(postgres, "paying", "payments")] == ["settled", "cancelled", "planned"]
    outputs = reports.rows(postgres, "paying", "payments", by="output")
    assert sum(int(row["amount_sats"]) for row in outputs if row["payment"] == "1") == paid
    address = outputs[0]["address"]
    assert [row["payment"] for row in reports.rows(postgres, "paying", "payments", address=address)] == ["1", "2", "3"]


def test_pps_wins_and_loses_the_reserve(postgres):
    """Blocks go to the reserve, work is paid from it; the check still comes out, and a run that is taken back is gone."""
    postgres.create_database("pps", "phasepool")
    postgres.psql("SELECT note_payout_scheme(now() - interval '3 days', 'pps', 2, 20000, 0, 0)", "pps")
    reports.fill(postgres, "pps")
    postgres.psql("SELECT update_ledger()", "pps")
    found = lines(postgres, "pps")
    assert found["difference"] == 0
    assert found["rewards of blocks"] > 0 and found["miners: owed and carried"] > 0 and found["reserve"] != 0
    assert found["rewards of blocks"] == found["fees"] + found["reserve"] + found["miners: owed and carried"]
    postgres.psql("SELECT reverse_run(max(id), 'a test') FROM payout_runs WHERE kind = 'pps'", "pps")
    taken_back = lines(postgres, "pps")
    assert taken_back["difference"] == 0
    assert taken_back["reserve"] == found["reserve"] + found["fees"] + found["miners: owed and carried"]
    assert taken_back["miners: owed and carried"] == taken_back["fees"] == 0


def test_an_orphaned_block_is_reversed_and_comes_back(postgres):
    postgres.create_database("orphaning", "filled")
    before = lines(postgres, "orphaning")
    block, reward = postgres.psql("SELECT hash, reward FROM blocks WHERE status = 'confirmed' ORDER BY time DESC LIMIT 1", "orphaning").split("|")
    for state, waits, rewards in (("orphaned", "(runs that wait for being reversed)", before["rewards of blocks"] - int(reward)),
                                  ("confirmed", "(blocks that wait for a run)", before["rewards of blocks"])):
        postgres.psql(f"SELECT set_block_state('{block}', '{state}', 1, now())", "orphaning")
        waiting = lines(postgres, "orphaning")
        assert (waiting["difference"], waiting[waits]) == (0, int(reward))
        postgres.psql("SELECT update_ledger()", "orphaning")
        after = lines(postgres, "orphaning")
        assert (after["difference"], after[waits], after["rewards of blocks"]) == (0, 0, rewards)
        run, = (row for row in reports.rows(postgres, "orphaning", "payouts", by="block") if row["block"] == block[2:])
        assert run["state"] == ("reversed" if state == "orphaned" else "applied")
    assert after == before


def test_it_finds_what_is_wrong(postgres):
    """Whatever is changed behind the ledger's back shows."""
    postgres.create_database("undisturbed", "filled")
    pay(postgres, "undisturbed")
    assert lines(postgres, "undisturbed")["difference"] == 0
    for number, change in enumerate([
            "UPDATE payments SET amount_sats = amount_sats + 1 WHERE id = 1",
            "UPDATE payments SET amount_sats = amount_sats + 1 WHERE id = 3",
            "UPDATE payments SET settled_fee_sats = settled_fee_sats - 1 WHERE id = 1",
            "DELETE FROM ledger WHERE account = 'network_fees'",
            "UPDATE blocks SET reward = reward + 1 WHERE status = 'confirmed'",
            "UPDATE blocks SET pool_sats = pool_sats - 1 WHERE status = 'confirmed'",
            "UPDATE ledger SET amount_sats = amount_sats + 1 WHERE id = (SELECT min(id) FROM ledger WHERE account = 'miners')",
            "DELETE FROM ledger WHERE account = 'fees'",
            "UPDATE account_balances SET balance_sats = balance_sats + 1 WHERE account = 'fees'",
            "UPDATE payout_items SET share_sats = share_sats + 1 WHERE share_sats = (SELECT max(share_sats) FROM payout_items)",
            "UPDATE payout_runs SET fee_sats = fee_sats - 1"]):
        postgres.create_database(f"wrong{number}", "undisturbed")
        postgres.psql(f"SET session_replication_role = replica; {change}", f"wrong{number}", "postgres")
        assert lines(postgres, f"wrong{number}")["difference"] != 0, change


def test_periods_follow_each_other(postgres, filled):
    """Opening, change and closing balances of periods that follow each other."""
    (made,), = filled("SELECT max(time) FROM ledger_transactions")
    before = reports.rows(postgres, "filled", "reconciliation", to=made.isoformat())
    after = reports.rows(postgres, "filled", "reconciliation", from_=made.isoformat())
    whole = reports.rows(postgres, "filled", "reconciliation")
    assert before[-1]["closing_sats"] == after[-1]["closing_sats"] == "0"
    for first, second, both in zip(before[:8], after[:8], whole[:8]):
        assert first["closing_sats"] == second["opening_sats"] and second["closing_sats"] == both["closing_sats"]
        assert int(second["opening_sats"]) + int(second["change_sats"]) == int(second["closing_sats"])
    assert int(after[0]["change_sats"]) > 0


def test_a_pool_with_a_confirmed_and_an_orphaned_block(cluster):
    cluster.start(blocks=3)
    node = cluster.node
    client = cluster.client()

    def exact() -> dict:
        found = lines(cluster.postgres, "phasepool")
        assert found["difference"] == 0
        return found

    assert exact()["rewards of blocks"] == 0
    confirmed = find_block(cluster, client)
    wait_for(cluster, confirmed, "accepted", 1)
    before = node.template()
    orphan = find_block(cluster, client)
    wait_for(cluster, orphan, "accepted", 1)
    extend(node, before, before["previousblockhash"], before["height"], 3)
    wait_for(cluster, orphan, "orphaned", None)
    node.mine(100)
    wait_for(cluster, confirmed, "confirmed", node.height() - before["height"] + 2)
    cluster.query("SELECT update_ledger()")  # which the pool does by itself now and then
    (reward,), = cluster.query("SELECT reward FROM blocks WHERE status = 'confirmed'")
    assert exact()["rewards of blocks"] == reward
    assert exact()["(blocks that wait for a run)"] == exact()["(runs that wait for being reversed)"] == 0

    statuses = {row["block"]: row["status"] for row in reports.rows(cluster.postgres, "phasepool", "blocks")}
    assert statuses == {confirmed: "confirmed", orphan: "orphaned"}
    paid = reports.rows(cluster.postgres, "phasepool", "payouts")
    assert {row["block"] for row in paid} == {confirmed}
    assert sum(int(row["amount_sats"]) for row in paid) == exact()["miners: owed and carried"]
    (stored,), = cluster.query("SELECT count(*) FROM shares")
    assert sum(int(row["shares"]) for row in reports.rows(cluster.postgres, "phasepool", "system_hourly")) == stored
    for name, by in reports.EVERY:
        reports.rows(cluster.postgres, "phasepool", name, **({"by": by} if by else {}))
