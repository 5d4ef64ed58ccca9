"""What the pages say when the database or the node is away: what is wrong and what still works, and that it is over when it is."""

from framework.busy_pool import BusyPool
from test_figures import ACCEPTED, HEIGHT, number
from test_pages import PAGES


def test_the_database_is_away(busy, browser):
    browser.open(busy.url)
    busy.cluster.postgres.stop()
    # Mining goes on, and the figures of memory with it. With a share to store the pool knows of it at once.
    busy.share(busy.rig)
    browser.wait_for_text("#notice", "The database is away.", timeout=120)
    browser.wait_for_text(ACCEPTED, lambda text: number(text) == busy.accepted)
    for page, path in PAGES.items():
        browser.open(busy.url + path)
        assert "The database is away." in browser.text("#notice"), page
        assert browser.text("h1"), page
        assert "{{" not in browser.text(), page
        assert browser.axe() == [], page
    for page in ("payouts", "miner"):  # once what was read before is too old to be shown
        browser.open(busy.url + PAGES[page])
        browser.wait_for_text("main", "can’t be read now", timeout=120)
    browser.open(busy.url)
    busy.cluster.postgres.start()
    browser.wait_for_text("#notice", lambda text: text == "", timeout=120)
    browser.open(busy.url + "/status")
    browser.wait_for_text("main", f"Stored, ever {busy.accepted}", timeout=120)
    assert browser.strangers(busy.url) == []


def test_the_node_is_away(busy, browser):
    browser.open(busy.url)
    height = browser.text(HEIGHT)
    busy.cluster.node.kill()
    browser.wait_for_text("#notice", "No node answers.", timeout=120)
    browser.wait_for_text("#sentence", "No node answers, so there is no new work.")
    assert browser.text(HEIGHT) == height, "the tip that the work is on"
    browser.open(busy.url + "/status")
    browser.wait_for_text("#parts", lambda text: "No answer" in text or "Not usable" in text)
    assert "need somebody" in browser.text("#sentence")
    # Shares on the last work still count.
    busy.share(busy.rig)
    browser.open(busy.url)
    browser.wait_for_text(ACCEPTED, lambda text: number(text) == busy.accepted)


def test_the_pool_is_away(busy, browser):
    """The page that stays open says since when its figures stand, and goes on when the pool is back."""
    browser.open(busy.url)
    busy.pool.kill()
    browser.wait_for_text("#notice", "The connection to the pool is lost", timeout=120)
    assert browser.text("#live") == "Not live"
    busy.pool.start()
    browser.wait_for_text("#live", lambda text: text == "Live", timeout=120)
    browser.wait_for_text("#notice", lambda text: text == "")


def test_an_empty_pool(cluster, browser):
    """No miner yet, no share, no block: each page says how to begin, and nothing looks broken."""
    pool = cluster.start()
    url = f"http://127.0.0.1:{pool.http_port}"
    says = {"overview": "Waiting for the first miner", "blocks": "No block yet", "miner": "No share of this address is known here",
            "payouts": "Nothing to divide yet", "coherence": "", "connect": "No account", "status": "parts are well"}
    for page, path in PAGES.items():
        browser.open(url + path.replace(BusyPool.address, "bcrt1q6rz28mcfaxtmd6v789l9rrlrusdprr9pz3cppk"))
        assert says[page] in browser.text("h1"), page
        text = browser.text("main")
        for broken in ("NaN", "undefined", "null", "– sats", "– BTC", "– blocks", "{{"):
            assert broken not in text, (page, broken)
        assert browser.axe() == [], page
        assert browser.overflow() <= 0, page
    assert [line for line in browser.complaints() if "404" not in line] == [], "an unknown miner's page is a 404"
    assert browser.strangers(url) == []
