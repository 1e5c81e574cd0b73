"""A page in a real browser, with what it asks of the network and complains of."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ssl_reports.claims.claims import claims
from ssl_reports.page.page import report_page
from ssl_reports.reading.evidence import Evidence
from ssl_reports.report import paper_tables

if TYPE_CHECKING:
    import pandas as pd


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


def write(evidence: Evidence, path: Path, traces: dict[int, pd.DataFrame] | None = None) -> Path:
    found = claims(evidence)
    tables = paper_tables(evidence, found)
    page = report_page("Report", evidence, tables[:-1], found, traces or {}, forms={})
    path.write_text(page, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def file(evidence: Evidence, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import pandas as pd

    trace = pd.DataFrame(
        {
            "time_s": [number / 10 for number in range(3000)] * 2, "device": ["gpu"] * 3000 + ["cpu"] * 3000,
            "power_w": [float(number % 90) for number in range(6000)], "method": ["sampled"] * 3000 + ["modelled"] * 3000,
            "part": ["a"] * 6000,
        }
    )  # fmt: skip
    return write(evidence, tmp_path_factory.mktemp("page") / "report.html", {0: trace, 1: trace})


class Opened:
    """A page, with what it asked for and what it complained of."""

    def __init__(self, browser: Any, file: Path, **context: Any) -> None:
        self.context = browser.new_context(**context)
        self.page = self.context.new_page()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        self.page.goto(file.as_uri())
        self.page.wait_for_selector("html[data-ready]", state="attached", timeout=120_000)

    def column(self, name: str) -> list[str]:
        """The texts of a column of the results."""
        heads = self.page.locator("#results thead th").all_inner_texts()
        (number,) = (n for n, head in enumerate(heads) if head.startswith(name))
        return [
            text.strip()
            for text in self.page.locator(
                f"#results tbody tr:not(.details) > :nth-child({number + 1})"
            ).all_inner_texts()
        ]

    def choose_table(self, caption: str) -> None:
        """The tab with this caption."""
        self.page.locator("#tables label", has_text=caption).click()

    def press(self, name: str) -> None:
        """The head of a column, until it has sorted."""
        head = self.page.locator("#results thead th", has_text=name).first
        before = head.get_attribute("aria-sort")
        head.click()
        self.page.wait_for_function(
            "([head, before]) => head.getAttribute('aria-sort') !== before", arg=[head.element_handle(), before]
        )

    def end(self, file: Path) -> None:
        """Only the page itself was asked for, and nothing was complained of."""
        assert self.requests == [file.as_uri()]
        assert self.complaints == []
        self.context.close()


@pytest.fixture
def opened(browser: Any, file: Path) -> Iterator[Opened]:
    opened = Opened(browser, file, viewport={"width": 1300, "height": 900}, color_scheme="light")
    yield opened
    opened.end(file)


@pytest.fixture
def open_page(browser: Any) -> Callable[..., Opened]:
    """Opens a file in a window of its own."""
    return partial(Opened, browser)


@pytest.fixture(scope="session")
def write_page() -> Callable[..., Path]:
    """Writes the page of some evidence to a file."""
    return write
