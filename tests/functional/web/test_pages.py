"""Every page, in both themes and on two screens: no word on the console, no request to anybody else, nothing that axe-core finds
serious, nothing wider than the screen. The screenshots stay in build/screenshots, to be looked at.
"""

from framework.busy_pool import BusyPool

PAGES = {"overview": "/", "blocks": "/blocks", "miner": f"/miner?address={BusyPool.address}", "payouts": "/payouts", "coherence": "/coherence",
         "connect": "/connect", "status": "/status"}
SCREENS = {"phone": 390, "desktop": 1280}


def test_every_page_is_clean(busy, browser):
    found = {}
    for page, path in PAGES.items():
        for theme in ("light", "dark"):
            for screen, width in SCREENS.items():
                name = f"{page}-{theme}-{screen}"
                browser.open(busy.url + path, theme, width)
                assert browser.js("return matchMedia('(prefers-color-scheme: dark)').matches") is (theme == "dark")
                browser.screenshot(name)
                if browser.overflow() > 0:
                    found[name] = f"{browser.overflow()} px wider than the screen"
                for serious in browser.axe():
                    found.setdefault(f"{name}, axe", []).append(serious)
    assert found == {}
    assert browser.complaints() == []
    assert browser.strangers(busy.url) == []


