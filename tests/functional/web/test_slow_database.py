"""A page whose figures the database does not have in time comes without them, and fetches them when they are there."""

from framework.util import wait_until


def test_a_late_page_becomes_whole(busy, browser):
    rows = "return document.querySelectorAll('[data-part=events] tr').length"
    with busy.cluster.locked("events"):
        browser.driver.get(busy.url + "/status")
        assert browser.js("return document.body.hasAttribute('data-late')"), "sent while the database could not answer"
        assert "read in time" in browser.text("main") or "be read now" in browser.text("main"), "the database gives up after a while"
        browser.js("window.stayed = true")
    wait_until(lambda: not browser.js("return document.body.hasAttribute('data-late')"), 120, "the events", poll=0.2)
    assert "read in time" not in browser.text("main")
    assert browser.js(rows) >= 1 and browser.js("return window.stayed") is True, "filled in, not loaded anew"
    # What is there stays there while the database is slow again.
    shown = browser.js(rows)

    def asked() -> int:
        browser.collect()
        return sum(url.endswith("/status") for url in browser.requests)

    before = asked()
    with busy.cluster.locked("events"):
        busy.cluster.node.mine(1)  # a new tip makes the page ask
        wait_until(lambda: asked() >= before + 2, 120, "the page to ask, and again", poll=0.2)
        assert browser.js(rows) == shown and "read in time" not in browser.text("main") and "be read now" not in browser.text("main")


def test_a_late_block_is_shown_whole(busy, browser):
    """Its page has other panels once the block is known."""
    block_hash = busy.pool.api("blocks")["blocks"][0]["hash"]
    with busy.cluster.locked("blocks"):
        browser.driver.get(f"{busy.url}/blocks?block={block_hash}")
        assert browser.js("return document.body.hasAttribute('data-late')"), "sent while the database could not answer"
        assert browser.text("h1")
    browser.wait_for_text("#block-verdict output", "Verified here", timeout=120)
    assert browser.text("#block-hash") == block_hash
