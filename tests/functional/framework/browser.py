"""Chromium without a window, driven by Selenium: what a page shows, what it says on its console, what it asks the network for.

The browser resolves no name but our own address, and every request that it makes for a page is recorded.
"""

import base64
import functools
import json
import os
import pathlib
import shutil
import tempfile

from .util import ROOT, wait_until

AXE = ROOT / ".deps" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
SCREENSHOTS = ROOT / "build" / "screenshots"


@functools.cache
def missing() -> str:
    """Why there can be no browser; empty when there can."""
    try:
        import selenium  # noqa: F401
    except ImportError:
        return "no python3-selenium"
    for program in ("chromium", "chromedriver"):
        if shutil.which(program) is None:
            return f"no {program}"
    return "" if AXE.exists() else f"no {AXE.relative_to(ROOT)}: scripts/setup.sh installs it"


class Browser:
    def __init__(self):
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        self._folder = tempfile.mkdtemp(prefix="phasepool-browser-")
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for argument in ("--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--no-first-run",
                         "--force-color-profile=srgb", "--hide-scrollbars", f"--user-data-dir={self._folder}",
                         "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"):
            options.add_argument(argument)
        if os.geteuid() == 0:
            options.add_argument("--no-sandbox")  # Chromium refuses to run as root with it
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(service=Service(shutil.which("chromedriver")), options=options)
        self.driver.set_page_load_timeout(120)
        self.driver.set_script_timeout(120)
        self.console = []  # of all pages, in order: "SEVERE: …"
        self.requests = []  # the URL of each request that a page made
        self.received = {}  # of each finished one: bytes over the wire, headers included
        self._urls = {}

    def close(self):
        self.driver.quit()
        shutil.rmtree(self._folder, ignore_errors=True)

    def forget(self):
        """Leaves the page, and begins to take note anew."""
        self.driver.get("about:blank")
        self.collect()
        self.console, self.requests, self.received = [], [], {}

    # -- looking

    def open(self, url: str, theme: str = "light", width: int = 1280, height: int = 900):
        """Loads the page as somebody with this preference and this screen sees it; with all that is in it, also where the database is slow."""
        self.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.driver.get(url)
        wait_until(lambda: self.js("return document.readyState") == "complete", 120, f"{url} to load")
        wait_until(lambda: not self.js("return document.body.hasAttribute('data-late')"), 120, f"{url} to be whole", poll=0.1)
        self.collect()

    def cdp(self, method: str, **parameters):
        return self.driver.execute_cdp_cmd(method, parameters)

    def js(self, script: str, *arguments):
        return self.driver.execute_script(script, *arguments)

    def text(self, selector: str = "body") -> str:
        """As it is shown, with ordinary spaces; empty when there is no such element."""
        shown = self.js("const e = document.querySelector(arguments[0]); return e ? e.innerText : ''", selector)
        return " ".join(shown.split())

    def wait_for_text(self, selector: str, wanted, timeout: float = 60) -> str:
        """The element's text once `wanted` (a text, or a function of the text) is in it."""
        fits = wanted if callable(wanted) else lambda text: wanted in text
        wait_until(lambda: fits(self.text(selector)), timeout, f"{selector} to show {wanted}, not {self.text(selector)!r}", poll=0.1)
        return self.text(selector)

    def collect(self):
        """Takes in what was said and asked since the last time."""
        self.console += [f"{entry['level']}: {entry['message']}" for entry in self.driver.get_log("browser")]
        for entry in self.driver.get_log("performance"):
            event = json.loads(entry["message"])["message"]
            parameters = event.get("params", {})
            if parameters.get("documentURL", "").startswith("chrome://"):  # the empty tab that it begins with
                continue
            if event["method"] == "Network.requestWillBeSent" and parameters["request"]["url"] != "about:blank":
                self._urls[parameters["requestId"]] = parameters["request"]["url"]
                self.requests.append(parameters["request"]["url"])
            elif event["method"] == "Network.loadingFinished":
                url = self._urls.get(parameters["requestId"], "")
                self.received[url] = int(parameters["encodedDataLength"])

    # -- judging

    def complaints(self) -> list:
        """What the console had that is no mere remark."""
        self.collect()
        return [line for line in self.console if line.startswith(("SEVERE", "WARNING"))]

    def strangers(self, origin: str) -> list:
        """Requests to anywhere but `origin`; what has no host of its own (data:, blob:) leaves it no less."""
        self.collect()
        return [url for url in self.requests if not url.startswith((origin + "/", "data:", "blob:" + origin, "about:"))]

    def axe(self) -> list:
        """What axe-core finds serious or critical on the page as it stands: "rule: element"."""
        self.js(AXE.read_text())
        found = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            "axe.run(document, {resultTypes: ['violations']}).then(r => done(r.violations), e => done([{id: String(e), impact: 'critical', nodes: []}]))")
        return [f"{rule['id']}: {[node['target'] for node in rule['nodes']][:4]}" for rule in found if rule["impact"] in ("serious", "critical")]

    def overflow(self) -> int:
        """By how many pixels the page is wider than its screen."""
        return self.js("return document.documentElement.scrollWidth - document.documentElement.clientWidth")

    def screenshot(self, name: str) -> pathlib.Path:
        """The whole page, however long, as build/screenshots/NAME.png."""
        size = self.cdp("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 6000), "scale": 1}
        data = self.cdp("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)["data"]
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        path.write_bytes(base64.b64decode(data))
        return path
