"""Names and user agents that try to be markup: they are shown as text, wherever they are shown, and do nothing."""

import json
import urllib.parse

from framework import bitcoin
from framework.stratum_client import StratumClient, rejection
from framework.util import wait_until

TRAPS = ["<img/src=x/onerror=hacked=1>", "<script>hacked=1</script>", "\"onmouseover=hacked=1//", "'-hacked=1-'", "{{hacked}}", "</title><svg/onload=hacked=1>",
         "javascript:hacked=1", "${hacked=1}"]


class Trap(StratumClient):
    """Says who it is in words of its own."""

    def login_as(self, user_agent: str):
        _, extranonce1, self.extranonce2_size = self.call("mining.subscribe", user_agent)
        self.extranonce1 = bytes.fromhex(extranonce1)
        assert self.call("mining.authorize", self.user, "x") is True
        self.wait_for_job()
        return self


def test_nothing_from_a_miner_becomes_markup(busy, browser):
    """A share, a refused share and a block of each of them, so that every list of names has them."""
    cluster, pool = busy.cluster, busy.pool
    for trap in TRAPS:
        client = cluster.also_close(Trap(pool.stratum_port, user=f"{bitcoin.PAYOUT_ADDRESS}.{trap}")).login_as(trap)
        busy.share(client)
        share = client.find_share(block=True)
        assert client.submit(share)
        busy.accepted += 1
        busy.blocks += 1
        assert rejection(client.submit, share).code in (21, 22)
    busy.settle()
    names = {row[0] for row in cluster.query("SELECT name FROM workers")}
    wait_until(lambda: b"hacked" in pool.get(f"/api/v1/rejects?user={bitcoin.PAYOUT_ADDRESS}")[1], 30, "the refused shares in the API")
    assert any("hacked" in name for name in names), "the traps got as far as the database"

    pages = ["/", "/blocks", "/payouts", "/coherence", "/connect", "/status", f"/miner?address={bitcoin.PAYOUT_ADDRESS}"]
    pages += [f"/miner?address={urllib.parse.quote(trap)}" for trap in TRAPS[:3]]
    pages += [f"/{urllib.parse.quote(TRAPS[1])}", f"/blocks?before={urllib.parse.quote(TRAPS[0])}#{TRAPS[1]}"]
    for path in pages:
        browser.open(busy.url + path)
        browser.wait_for_text("body", lambda text: text)
        assert browser.js("return typeof window.hacked") == "undefined", path
        assert browser.js("return document.querySelectorAll('img[src=x], svg[onload], [onmouseover], [onerror]').length") == 0, path
        scripts = browser.js("return [...document.scripts].map(s => s.src)")
        assert all(src.startswith(busy.url + "/") for src in scripts), (path, scripts)
    assert browser.strangers(busy.url) == []
    assert [line for line in browser.complaints() if "Content Security Policy" in line] == [], "nothing was even tried"


def test_answers_are_of_the_type_they_say(busy):
    """JSON stays JSON: with nosniff, and with no markup that a browser could be talked into showing."""
    import http.client

    for path in ("/api/v1/pool", "/api/v1/blocks", "/api/v1/rejects?user=%3Cscript%3E", "/api/v1/%3Cscript%3E", "/metrics"):
        connection = http.client.HTTPConnection("127.0.0.1", busy.pool.http_port, timeout=30)
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read().decode()
        connection.close()
        assert response.getheader("X-Content-Type-Options") == "nosniff", path
        assert "default-src 'none'" in response.getheader("Content-Security-Policy"), path
        if path.startswith("/api"):
            assert response.getheader("Content-Type").startswith("application/json"), path
            json.loads(body)
        assert "<script>" not in body or path.startswith("/api"), path
