"""How heavy the pages are and how soon they can be used: the figures of docs/stats-page.md, and that a first load stays under
150 KB compressed. Times are printed (pytest -s), not judged: a test machine may be busy.
"""

from test_pages import PAGES

WEIGHT_BYTES_MAX = 150_000

TIMES = """
const [page] = performance.getEntriesByType('navigation');
const paint = performance.getEntriesByName('first-contentful-paint')[0];
const long = window.longTasks || [];
return {interactive: page.domInteractive, loaded: page.loadEventEnd, paint: paint ? paint.startTime : -1, blocked: long.reduce((a, b) => Math.max(a, b), 0)};
"""


def test_a_first_load_is_light(busy, browser):
    weights = {}
    browser.cdp("Network.enable")
    for page, path in PAGES.items():
        browser.cdp("Network.clearBrowserCache")
        browser.received.clear()
        browser.open(busy.url + path)
        browser.collect()
        weights[page] = sum(size for url, size in browser.received.items() if url.startswith(busy.url) and "/stream" not in url)
        times = browser.js(TIMES)
        print(f"{page:10} {weights[page] / 1000:6.1f} kB, interactive {times['interactive']:4.0f} ms, first paint {times['paint']:4.0f} ms,"
              f" loaded {times['loaded']:4.0f} ms")
    assert 0 < min(weights.values()) and max(weights.values()) <= WEIGHT_BYTES_MAX, weights


def test_a_second_load_fetches_only_what_changes(busy, browser):
    browser.open(busy.url)
    browser.received.clear()
    browser.open(busy.url + "/blocks")
    styles = [url for url, size in browser.received.items() if url.endswith(".css") and size > 0]
    assert styles == [], "hashed assets come from the browser's cache"
