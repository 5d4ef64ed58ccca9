"""The bloom replay: the browser computes a certificate again, agrees with a good one, and refuses one with a flipped bit."""


def verdict(browser, wanted: str) -> str:
    return browser.wait_for_text("#verdict-word", wanted)


def test_a_good_certificate_is_verified_and_a_tampered_one_refused(busy, browser):
    browser.open(busy.url + "/coherence")
    verdict(browser, "Verified here")
    assert "Verified here" in browser.text("#verdict-sentence")
    checks = browser.js("return [...document.querySelectorAll('#checks tr')].map(r => r.innerText)")
    assert len(checks) >= 7
    names = browser.js("return [...document.querySelectorAll('#pick option')].map(o => o.text)")
    heights = [row[0] for row in busy.cluster.query("SELECT height FROM coherence_chain")]
    assert {f"Proof chain block {height}" for height in heights} <= set(names), "every block of the chain"
    assert len([name for name in names if name.startswith("Known answer")]) == 2, "and the specification's known answers"
    for place in range(len(names)):
        browser.js("const p = document.getElementById('pick'); p.selectedIndex = arguments[0]; p.dispatchEvent(new Event('change', {bubbles: true}))", place)
        name = browser.js("return document.getElementById('pick').selectedOptions[0].text")
        browser.wait_for_text("#which", name[:12])
        verdict(browser, "Verified here")
        browser.js("document.getElementById('tamper').click()")
        verdict(browser, "Refused")
        assert "Refused" in browser.text("#verdict-sentence")
        browser.js("document.getElementById('tamper').click()")
        verdict(browser, "Verified here")
    assert browser.complaints() == []
    assert browser.strangers(busy.url) == []
