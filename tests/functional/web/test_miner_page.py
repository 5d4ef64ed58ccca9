"""The page of one payout address: its workers and nobody else's, their shares as PostgreSQL has them, and each refused share explained."""

from framework.busy_pool import OTHER_ADDRESS
from framework.util import wait_until


def rows(browser, table: str) -> list:
    """The cells of each row, with ordinary spaces."""
    found = browser.js("return [...document.querySelectorAll(arguments[0] + ' tbody tr')].map(r => [...r.cells].map(c => c.innerText))", table)
    return [[" ".join(cell.split()) for cell in row] for row in found]


def columns(browser, table: str) -> list:
    return browser.js("return [...document.querySelectorAll(arguments[0] + ' thead th')].map(c => c.textContent.trim())", table)


def test_workers_are_those_of_the_address(busy, browser):
    for address, names in ((busy.address, {"rig1", "rig2", "waves"}), (OTHER_ADDRESS, {"garage"})):
        browser.open(f"{busy.url}/miner?address={address}")
        wait_until(lambda names=names: {row[0].split(" ")[0] for row in rows(browser, "#workers")} == names, 60, f"the workers {names}", poll=0.2)
        assert address in browser.text("#address")
    assert browser.complaints() == []


def test_shares_are_those_of_the_database(busy, browser):
    stored = dict(busy.cluster.query("SELECT w.name, count(*) FROM shares s JOIN workers w ON w.id = s.worker_id"
                                     " JOIN miners m ON m.id = w.miner_id WHERE m.address = %s GROUP BY 1", busy.address))
    assert stored
    browser.open(f"{busy.url}/miner?address={busy.address}")
    place = columns(browser, "#workers").index("Accepted, 1d")

    def shown():
        return {row[0].split(" ")[0]: row[place] for row in rows(browser, "#workers")}

    wait_until(lambda: {name: int(count) for name, count in shown().items() if name in stored} == stored, 60,
               f"each worker's shares: {stored}", poll=0.2)
    browser.wait_for_text("#sentence", lambda text: "No worker had" not in text)


def test_a_refused_share_is_explained(busy, browser):
    browser.open(f"{busy.url}/miner?address={busy.address}")
    text = browser.wait_for_text("main", "Duplicate 22")
    assert "The very same share had come before" in text


def test_an_address_that_nobody_mines_with(busy, browser):
    for asked in ("bcrt1q6rz28mcfaxtmd6v789l9rrlrusdprr9pz3cppk", "nobody", "%3Cscript%3E", ""):
        browser.open(f"{busy.url}/miner?address={asked}")
        assert browser.text("h1"), asked
        assert "rig1" not in browser.text("h1")
    assert browser.strangers(busy.url) == []


def test_a_worker_that_is_connected_and_idle(busy, browser):
    """It is told from one that has gone, and the page asks nothing of it that is not there."""
    idle = busy.cluster.client(user=f"{busy.address}.idle")
    browser.open(f"{busy.url}/miner?address={busy.address}")

    def states() -> dict:
        return {row[0]: row[1] for row in rows(browser, "#workers")}

    wait_until(lambda: states().get("idle") == "No share yet", 60, "the idle worker", poll=0.2)
    browser.js("document.getElementById('workers').scrollIntoView()")

    def asked(name: str) -> bool:
        browser.collect()
        return any(f"worker={name}" in url for url in browser.requests)

    wait_until(lambda: asked("rig1") and asked("rig2"), 60, "the traces of those that mine", poll=0.2)
    assert not asked("idle")
    assert browser.complaints() == []
    idle.close()
    wait_until(lambda: "idle" not in states(), 60, "the idle worker to be gone: it never had a share", poll=0.2)
