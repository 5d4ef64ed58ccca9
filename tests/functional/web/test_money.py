"""What the pages say of money is what the ledger has: of the pool, of a run, and of one miner."""

import re

from framework.busy_pool import OTHER_ADDRESS
from framework.util import wait_until
from test_miner_page import rows

CONFIRMATIONS = 100


def sats(text: str) -> int:
    """"4 950 000 000", "49.50 000 000 BTC" in satoshis of the digits as they stand."""
    return int(re.sub(r"[^0-9]", "", text) or -1)


def facts(browser, panel: str) -> dict:
    found = browser.js("return [...document.querySelectorAll(arguments[0] + ' .facts > div')].map(d => [d.querySelector('dt').innerText, d.querySelector('dd').innerText])", panel)
    return {" ".join(name.split()): " ".join(value.split()) for name, value in found}


def test_money_is_that_of_the_ledger(busy, browser):
    cluster = busy.cluster
    # The window is of a few shares here: let it hold both addresses.
    other = cluster.client(user=f"{OTHER_ADDRESS}.garage")
    busy.share(other)
    busy.block(other)
    cluster.node.mine(CONFIRMATIONS)
    wait_until(lambda: cluster.query("SELECT count(*) FROM payout_runs")[0][0] == busy.blocks, 120, "the blocks' rewards divided")
    owed = dict(cluster.query("SELECT address, balance_sats FROM miner_balances WHERE balance_sats > 0"))
    assert set(owed) >= {busy.address, OTHER_ADDRESS}
    fees = cluster.query("SELECT sum(fee_sats) FROM payout_runs")[0][0]

    def totals() -> dict:
        browser.open(busy.url + "/payouts")
        return facts(browser, "#totals")

    wait_until(lambda: sats(totals()["Owed to miners"]) == sum(owed.values()), 60, "what is owed", poll=0.5)
    shown = facts(browser, "#totals")
    assert shown["Miners owed"] == str(len(owed))
    assert sats(shown["Fees of the pool"]) == fees
    assert sats(shown["Paid"]) == 0

    runs = cluster.query("SELECT id, reward_sats, fee_sats, coherence_sats FROM payout_runs ORDER BY id DESC")
    table = rows(browser, "#runs")
    assert [row[0] for row in table] == [f"Run {run}" for run, *_ in runs]
    for row, (_, reward, fee, coherence) in zip(table, runs, strict=True):
        assert [sats(cell) for cell in row[5:8]] == [reward, fee, coherence]

    run, reward, *_ = runs[0]
    browser.open(f"{busy.url}/payouts?run={run}")
    items = dict(cluster.query("SELECT m.address, sum(i.amount_sats) FROM payout_items i JOIN miners m ON m.id = i.miner_id WHERE i.run_id = %s GROUP BY 1", run))
    links = browser.js("return [...document.querySelectorAll('#main table tbody tr')].filter(r => r.querySelector('strong')).map(r => [r.querySelector('code').title, r.querySelector('strong').innerText])")
    assert {address: sats(text) for address, text in links} == {address: int(amount) for address, amount in items.items()}

    for address, balance in owed.items():
        browser.open(f"{busy.url}/miner/{address}")
        wait_until(lambda: sats(facts(browser, "#earn").get("Earned so far", "")) == balance, 60, f"{address}'s {balance}", poll=0.2)
        own = dict(cluster.query("SELECT r.id, sum(i.amount_sats) FROM payout_runs r JOIN payout_items i ON i.run_id = r.id JOIN miners m ON m.id = i.miner_id"
                                 " WHERE m.address = %s GROUP BY 1", address))
        statement = {row[1].split(",")[0]: sats(row[3]) for row in rows(browser, "#paid")}
        assert statement == {f"Run {run}": int(amount) for run, amount in own.items()}
    # If a block were found now: each scheme's part, computed in the background when somebody first asks.
    def preview() -> list:
        browser.open(f"{busy.url}/miner/{busy.address}")
        return rows(browser, "#whatif")

    wait_until(lambda: len(preview()) == 4, 120, "the preview of each scheme", poll=1)
    wanted = cluster.query("SELECT pplns_sats, prop_sats, pps_sats, solo_sats FROM payout_preview() WHERE address = %s", busy.address)[0]
    assert [sats(row[1]) for row in preview()] == list(wanted)
    assert browser.complaints() == []
