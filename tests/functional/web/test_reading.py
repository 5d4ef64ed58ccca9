"""However the page is read: in the reader's time, by keyboard alone, without events, without scripts; and commands that work as they
are copied.
"""

import datetime
import re

from framework import bitcoin
from framework.busy_pool import OTHER_ADDRESS
from framework.util import wait_until
from test_figures import ACCEPTED, number
from test_pages import PAGES

FOCUSED = "const e = document.activeElement; return (e.id || e.getAttribute('aria-label') || e.innerText || e.nodeName).trim()"


def keys(browser, *names: str):
    """Presses each key where the focus is."""
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    for name in names:
        ActionChains(browser.driver).send_keys(getattr(Keys, name, name)).perform()


def test_times_are_the_readers_with_utc_on_hover(busy, browser):
    """India is five hours and a half ahead, without a summer time."""
    ahead = datetime.timedelta(hours=5, minutes=30)
    browser.cdp("Emulation.setTimezoneOverride", timezoneId="Asia/Kolkata")
    try:
        seen = 0
        for path in ("/", "/blocks", f"/miner?address={busy.address}", "/coherence"):
            browser.open(busy.url + path)
            times = browser.js("return [...document.querySelectorAll('time[data-t]')].map(t => [t.dateTime, t.title, t.dataset.t, t.textContent])")
            for machine, utc, form, shown in times:
                then = datetime.datetime.fromisoformat(machine.replace("Z", "+00:00"))
                assert utc.endswith("UTC") and f"{then:%H:%M:%S}" in utc, (path, utc)
                if form != "full" or shown != utc:  # the page's own instant gives way to "Live"
                    assert f"{then + ahead:%H:%M}" in shown, (path, machine, shown)
                    seen += 1
        assert seen >= 2 * busy.blocks, "found times of blocks at least"
    finally:
        browser.cdp("Emulation.setTimezoneOverride", timezoneId="")


def test_by_keyboard_alone(busy, browser):
    browser.open(busy.url)
    keys(browser, "TAB")
    assert browser.js(FOCUSED) == "Skip to content"
    keys(browser, "ENTER")
    wait_until(lambda: browser.js("return location.hash") == "#main", 30, "the link to jump", poll=0.1)

    # Round the page once: each stop can be seen and says what it is.
    browser.open(busy.url)
    stops = []
    for _ in range(120):
        keys(browser, "TAB")
        stop = browser.js("const e = document.activeElement; return e === document.body ? null : [e.checkVisibility(), e.matches(':focus-visible'), "
                          "(e.getAttribute('aria-label') || e.innerText || e.labels?.[0]?.innerText || document.getElementById(e.getAttribute('aria-labelledby'))?.innerText || '').trim(), e.outerHTML.slice(0, 90)]")
        if stop is None or stop[3] in [s[3] for s in stops[:1]]:
            break
        stops.append(stop)
    assert len(stops) > 20
    assert [stop for stop in stops if not (stop[0] and stop[1] and stop[2])] == []
    for wanted in ("Overview", "Payout address", "theme", "1d", "All blocks"):
        assert any(wanted in stop[2] for stop in stops), wanted

    browser.js("document.getElementById('theme').focus()")
    before = browser.js("return getComputedStyle(document.body).backgroundColor")
    keys(browser, "SPACE")
    assert browser.js("return getComputedStyle(document.body).backgroundColor") != before
    keys(browser, "SPACE")

    browser.js("document.getElementById('find').focus()")
    keys(browser, OTHER_ADDRESS + ".garage", "ENTER")
    wait_until(lambda: "/miner" in browser.js("return location.pathname"), 30, "the miner's page", poll=0.1)
    assert OTHER_ADDRESS in browser.wait_for_text("#address", lambda text: text)


def test_without_events_it_asks(busy, browser):
    browser.cdp("Network.enable")
    browser.cdp("Network.setBlockedURLs", urls=["*/api/v1/stream"])
    try:
        browser.open(busy.url)
        busy.share(busy.rig)
        browser.wait_for_text(ACCEPTED, lambda text: number(text) == busy.accepted)
        assert browser.text("#live") == "Live"
        browser.collect()
        assert busy.url + "/api/v1/pool" in browser.requests
    finally:
        browser.cdp("Network.setBlockedURLs", urls=[])


def test_without_scripts_every_page_has_its_figures(busy, browser):
    says = {"overview": [f"On the tip at height {busy.cluster.node.height()}", f"{busy.blocks} blocks found"],
            "blocks": ["Maturing", "Proof"], "miner": ["rig1", "rig2", "Duplicate 22"], "payouts": ["PPLNS", "Nothing to divide yet"],
            "coherence": ["Proof chain at height 1", "phasepool verify coherence"], "connect": ["stratum+tcp://"],
            "status": [f"Stored, ever {busy.accepted}", "On the tip"]}
    try:
        def whole(path: str) -> bool:
            """A busy database may have had no answer in time."""
            browser.cdp("Emulation.setScriptExecutionDisabled", value=True)
            browser.driver.get(busy.url + path)
            browser.cdp("Emulation.setScriptExecutionDisabled", value=False)  # ours only; the page has been read without
            return not browser.js("return document.body.hasAttribute('data-late')")

        for page, path in PAGES.items():
            wait_until(lambda path=path: whole(path), 120, f"all of {path}", poll=0.2)
            text = browser.text()
            for wanted in says[page]:
                assert wanted in text, (page, wanted, text[:400])
            assert "{{" not in text
            assert browser.js("return [...document.querySelectorAll('.needs-js')].filter(e => e.checkVisibility()).length") == 0, page
    finally:
        browser.cdp("Emulation.setScriptExecutionDisabled", value=False)


def test_commands_are_ready_to_copy(busy, browser):
    browser.open(busy.url + "/connect")
    where = f"127.0.0.1:{busy.pool.stratum_port}"
    assert browser.text("#url-plain") == f"stratum+tcp://{where}"
    assert not browser.js("return document.getElementById('tls').checkVisibility()"), "this pool has no TLS"
    assert "youraddress" in browser.text("#cmd-cpu")
    browser.js("document.getElementById('own-address').focus()")
    keys(browser, OTHER_ADDRESS + ".rig; <b>")
    for command, wanted in {"#cmd-phase": f"phaseminer -o stratum+tcp://{where} -u {OTHER_ADDRESS}.rig1 -p x",
                            "#cmd-cpu": f"minerd -a sha256d -o stratum+tcp://{where} -u {OTHER_ADDRESS}.cpu -p x"}.items():
        assert browser.text(command) == wanted
    assert browser.js("return document.getElementById('own-page').getAttribute('href')") == f"/miner/{OTHER_ADDRESS}"
    browser.open(busy.url + "/connect")
    assert OTHER_ADDRESS in browser.text("#cmd-cpu"), "kept in this browser"
    browser.js("localStorage.clear()")
    # The user name and the port that the page gives are taken by the pool.
    user = re.search(r"-u (\S+)", browser.text("#cmd-phase")).group(1)
    client = busy.cluster.client(user=user.replace(f"{OTHER_ADDRESS}", bitcoin.PAYOUT_ADDRESS))
    busy.share(client)
    assert browser.complaints() == []
    assert browser.strangers(busy.url) == []
