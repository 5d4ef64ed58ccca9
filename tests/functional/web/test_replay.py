"""The bloom replay: the browser computes a certificate again, agrees with a good one, and refuses one with a flipped bit. And so it
does with a block's proof record.
"""

import subprocess


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


def test_a_blocks_record_is_verified_and_a_tampered_one_refused(busy, browser, tmp_path):
    """The record that a block's page checks is the one it offers, and which `phasepool verify proof` finds true as well."""
    height, block_hash = busy.cluster.query("SELECT height, encode(hash, 'hex') FROM blocks ORDER BY height DESC LIMIT 1")[0]
    browser.open(busy.url + "/blocks")
    link = browser.js("return [...document.querySelectorAll('#list tbody th a')].find(a => a.innerText === arguments[0])?.href", f"{height:,}")
    assert link
    browser.open(link)
    browser.wait_for_text("#block-verdict output", "Verified here")
    checks = browser.js("return [...document.querySelectorAll('#block-verdict tbody tr')].map(r => r.innerText)")
    assert len(checks) >= 5
    assert any(str(height) in check for check in checks)
    browser.js("document.getElementById('block-tamper').click()")
    browser.wait_for_text("#block-verdict output", "Refused")
    browser.js("document.getElementById('block-tamper').click()")
    browser.wait_for_text("#block-verdict output", "Verified here")
    name, path = browser.js("const a = document.querySelector('a[download]'); return [a.download, a.getAttribute('href')]")
    assert name == f"block-{height}.json"
    status, record = busy.pool.get(path)
    assert status == 200
    assert bytes.fromhex(browser.text("#block-hash")) in (bytes.fromhex(block_hash), bytes.fromhex(block_hash)[::-1])
    (tmp_path / name).write_bytes(record)
    done = subprocess.run([busy.pool.program, "verify", "proof", tmp_path / name], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert browser.complaints() == []
    assert browser.strangers(busy.url) == []
