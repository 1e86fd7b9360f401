"""Headless Chromium, without a network; Debian's `chromium` and `chromium-driver` will do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from seq2seq.explain.page import PageRun, render_page
from seq2seq.explain.view import UNASKED, View

if TYPE_CHECKING:
    from selenium.webdriver import Chrome
    from selenium.webdriver.remote.webelement import WebElement

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")

OFFLINE = (
    "--headless",
    "--no-sandbox",  # of root, in a container, Chromium asks for this
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)

Open = Callable[..., "Page"]
"""(*runs, title="Attention", view=UNASKED) -> Page"""


class Page:
    """An open page: finding things in it by CSS selectors, and doing what a reader does."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver

    def all(self, css: str) -> list[WebElement]:
        return [one for one in self.driver.find_elements("css selector", css) if one.is_displayed()]

    def one(self, css: str) -> WebElement:
        (found,) = self.all(css)
        return found

    def texts(self, css: str) -> list[str]:
        """The texts as they stand in the document, of elements of any size."""
        script = "return [...document.querySelectorAll(arguments[0])].map((e) => e.textContent)"
        return list(self.driver.execute_script(script, css))

    def matrix(self, panel: int = 1) -> list[list[float]]:
        """The weights that the cells are coloured by, exact."""
        script = """return [...document.querySelectorAll(arguments[0])].map((row) =>
            [...row.querySelectorAll("td:not(.strip)")].map((cell) =>
                Number(cell.style.getPropertyValue("--w"))))"""
        rows = f"section:nth-child({panel}) tbody tr"
        return list(self.driver.execute_script(script, rows))

    def choose(self, css: str, name: str) -> None:
        """Choose the option of that text."""
        options = self.one(css).find_elements("css selector", "option")
        (option,) = [option for option in options if option.text == name]
        option.click()

    def cell(self, i: int, j: int) -> WebElement:
        return self.one(f"tbody tr:nth-child({i + 1}) td:nth-child({j + 2})")

    def hover(self, element: WebElement) -> None:
        from selenium.webdriver import ActionChains

        ActionChains(self.driver).move_to_element(element).perform()

    def press(self, *keys: str) -> None:
        """Press keys by their names: TAB, ARROW_LEFT."""
        from selenium.webdriver import ActionChains, Keys

        ActionChains(self.driver).send_keys(*(getattr(Keys, key) for key in keys)).perform()

    def wait(self, until: Callable[[], bool]) -> None:
        from selenium.webdriver.support.ui import WebDriverWait

        WebDriverWait(self.driver, 60).until(lambda _: until())

    def width(self, width: int) -> None:
        """Give the window a width, in px."""
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def scheme(self, name: str) -> None:
        """Prefer light or dark, and no motion."""
        features = {"prefers-color-scheme": name, "prefers-reduced-motion": "reduce"}
        pairs = [{"name": key, "value": value} for key, value in features.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": pairs})


@pytest.fixture(scope="session")
def driver() -> Iterator[Chrome]:
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs the extra: browser")
    if CHROMIUM is None or DRIVER is None:
        pytest.skip("needs chromium and chromedriver on the path")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in OFFLINE:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(DRIVER)
    with webdriver.Chrome(options=options, service=service) as chrome:
        yield chrome


@pytest.fixture
def open_page(driver: Chrome, tmp_path: Path) -> Iterator[Open]:
    """Opens pages; in the end none may have complained or asked for anything but itself."""
    opened: list[str] = []

    def show(*runs: PageRun, title: str = "Attention", view: View = UNASKED) -> Page:
        path = tmp_path / f"page{len(opened)}.html"
        path.write_text(render_page(runs, title=title, view=view), encoding="utf-8")
        opened.append(path.as_uri())
        page = Page(driver)
        page.width(1200)
        page.scheme("light")
        driver.get(opened[-1])
        return page

    yield show
    assert _log(driver, "browser") == []
    events = [json.loads(entry["message"])["message"] for entry in _log(driver, "performance")]
    sent = [event for event in events if event["method"] == "Network.requestWillBeSent"]
    assert {event["params"]["request"]["url"] for event in sent} <= set(opened)


def _log(driver: Chrome, name: str) -> list[dict[str, Any]]:
    return list(driver.get_log(name))  # type: ignore[no-untyped-call]  # nor has selenium
