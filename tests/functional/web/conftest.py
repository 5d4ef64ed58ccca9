"""The page in a real browser: `browser`, and `busy`, a pool on which both kinds of miners work."""

import pytest

from framework import browser as browser_module
from framework.browser import Browser
from framework.busy_pool import BusyPool


@pytest.fixture(scope="session")
def one_browser():
    """Started once for each worker of a parallel run."""
    why = browser_module.missing()
    if why:
        pytest.skip(f"no browser to look with: {why}")
    browser = Browser()
    yield browser
    browser.close()


@pytest.fixture
def browser(one_browser):
    one_browser.forget()
    return one_browser


@pytest.fixture
def busy(cluster):
    """Shares, rejects, blocks, proofs and a proof chain: something on every page."""
    return BusyPool(cluster)
