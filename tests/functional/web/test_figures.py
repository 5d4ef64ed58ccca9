"""What the pages say is what PostgreSQL has, and they say it anew by themselves when it changes."""

import re

from framework import bitcoin
from framework.util import wait_until

ACCEPTED = "#shares [data-v$='.accepted']"
HEIGHT = "#tip [data-v='height']"


def number(text: str) -> int:
    digits = re.sub(r"[^0-9]", "", text)
    return int(digits) if digits else -1


def refused(browser) -> int:
    """By the table of reasons."""
    counts = browser.js("return [...document.querySelectorAll('#shares tbody tr td.num:not(.faint)')].map(e => e.innerText)")
    return sum(number(count) for count in counts)


def test_figures_are_those_of_the_database(busy, browser):
    shares, rejects = busy.cluster.query("SELECT (SELECT count(*) FROM shares), (SELECT count(*) FROM rejects)")[0]
    assert (shares, rejects) == (busy.accepted, busy.rejected)
    browser.open(busy.url)
    assert number(browser.text(ACCEPTED)) == shares
    assert refused(browser) == rejects
    assert number(browser.text(HEIGHT)) == busy.cluster.node.height()
    blocks = busy.cluster.query("SELECT height, encode(hash, 'hex'), reward FROM blocks ORDER BY height DESC")
    assert len(blocks) == busy.blocks
    for path in ("/", "/blocks"):
        browser.open(busy.url + path)
        rows = browser.js("return [...document.querySelectorAll('table tbody tr')].map(r => r.innerText.replace(/[\\s\\u2009\\u00a0]+/g, ''))")
        shown = [row for row in rows if "Maturing" in row]
        assert len(shown) == len(blocks)
        for row, (height, _, reward) in zip(shown, blocks, strict=True):
            assert row.startswith(str(height)) and f"{reward / 1e8:.8f}" in row and bitcoin.PAYOUT_ADDRESS[-4:] in row, row
    browser.open(busy.url + "/status")
    assert f"Stored, ever {shares}" in browser.text("main")
    assert browser.complaints() == []


def test_without_scripts_the_figures_are_there(busy, browser):
    """As a reader without JavaScript sees them."""
    def figures() -> tuple:
        browser.cdp("Emulation.setScriptExecutionDisabled", value=True)
        browser.driver.get(busy.url)
        browser.cdp("Emulation.setScriptExecutionDisabled", value=False)  # ours only; the page has been read without
        return number(browser.text(ACCEPTED)), number(browser.text(HEIGHT))

    try:
        wait_until(lambda: figures() == (busy.accepted, busy.cluster.node.height()), 60, "the figures of now", poll=0.2)
        assert browser.text("#sentence").startswith(f"On the tip at height {busy.cluster.node.height()}")
        assert browser.js("return [...document.querySelectorAll('.needs-js')].filter(e => e.checkVisibility()).length") == 0, "what does nothing is not shown"
    finally:
        browser.cdp("Emulation.setScriptExecutionDisabled", value=False)


def test_the_page_follows_what_happens(busy, browser):
    browser.open(busy.url)
    browser.js("window.stayed = true")
    busy.share(busy.rig)
    browser.wait_for_text(ACCEPTED, lambda text: number(text) == busy.accepted)
    busy.block(busy.rig)
    height = str(busy.cluster.node.height())
    browser.wait_for_text(HEIGHT, lambda text: text == height)
    browser.wait_for_text("#blocks tbody tr", height)
    assert browser.js("return window.stayed") is True, "the page was not loaded anew"
    assert [url for url in browser.requests if url.endswith("/api/v1/stream")], "by events"
    assert browser.strangers(busy.url) == []
    assert browser.complaints() == []
