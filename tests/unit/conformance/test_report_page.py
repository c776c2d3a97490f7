"""The HTML report in a browser: what it shows, by keyboard alone, on a phone, and in dark.

Chromium is driven through its driver; without them (``apt install chromium chromium-driver``) these tests are skipped.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from pullback_conformance.record import Cell, Record, SampleResult
from pullback_conformance.report.html import write_html
from pullback_conformance.spread import Spread
from pullback_conformance.tiers import TIERS

CHROMIUM, DRIVER = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver (Debian: chromium-driver)"),
]

ENTER, ESCAPE, TAB = "\ue007", "\ue00c", "\ue004"
LEFT, UP, RIGHT, DOWN = "\ue012", "\ue013", "\ue014", "\ue015"


class Browser:
    """A page in headless Chromium, over WebDriver."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self._driver = subprocess.Popen([DRIVER or "", f"--port={self._port}"], stdout=subprocess.DEVNULL)
        for _ in range(200):
            try:
                self._call("GET", "/status")
                break
            except OSError:
                time.sleep(0.1)
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        given = {"browserName": "chrome", "goog:chromeOptions": {"binary": CHROMIUM, "args": arguments}}
        made = self._call("POST", "/session", {"capabilities": {"alwaysMatch": given}})
        self._session = f"/session/{made['sessionId']}"

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"http://127.0.0.1:{self._port}{path}", data, {"content-type": "application/json"})
        request.method = method
        try:
            with urlopen(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except HTTPError as error:
            raise AssertionError(error.read().decode()[:500]) from None

    def _devtools(self, command: str, **parameters: Any) -> None:
        self._call("POST", f"{self._session}/goog/cdp/execute", {"cmd": command, "params": parameters})

    def show(self, path: Path, *, width: int = 1200, name: str = "", dark: bool = False, scripts: bool = True) -> None:
        self._devtools("Emulation.setScriptExecutionDisabled", value=not scripts)
        self._devtools(
            "Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._devtools("Emulation.setEmulatedMedia", features=[scheme])
        self._call("POST", f"{self._session}/url", {"url": "about:blank"})
        self._call("POST", f"{self._session}/url", {"url": f"{path.as_uri()}{name and '#' + name}"})

    def value(self, expression: str) -> Any:
        return self._call("POST", f"{self._session}/execute/sync", {"script": f"return {expression}", "args": []})

    def press(self, *keys: str) -> None:
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self._call("POST", f"{self._session}/actions", {"actions": [{"type": "key", "id": "k", "actions": actions}]})

    def text(self) -> str:
        return str(self.value("document.body.innerText"))

    def page_text(self) -> str:
        """What is shown, where the page may run no script."""
        (body,) = self._call("POST", f"{self._session}/elements", {"using": "css selector", "value": "body"})
        return str(self._call("GET", f"{self._session}/element/{next(iter(body.values()))}/text"))

    def close(self) -> None:
        try:
            self._call("DELETE", self._session)
        finally:
            self._driver.terminate()
            self._driver.wait()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    made = Browser()
    yield made
    made.close()


def passed(name: str, ulp: float | None = None, **more: Any) -> SampleResult:
    bound = 4.0 if ulp is not None else None
    return SampleResult(name, "passed", ulp, bound, oracle="mpmath (40 digits)", **more)


def cells(*, exp: str = "passed") -> list[Cell]:
    spread = Spread((3, 0, 1, 2), ((-2.0, 0.25), (0.0, 0.0), (3.5, 0.5)))
    wrong = SampleResult("0-d", exp, 9.0, 4.0, "9 ulp off", "print('script')", oracle="mpmath (40 digits)")
    value = [passed("(2, 3)", 0.5, spread=spread), passed("0-d", 0.0) if exp == "passed" else wrong]
    made = []
    for dtype in ("float32", "float64", "bfloat16", "complex64"):
        made.append(Cell("exp", "exponential", dtype, "value", list(value) if dtype == "float32" else [passed("0-d")]))
        for check in ("dtype", "unchanged", "deterministic", "vjp", "jvp", "second"):
            made.append(Cell("exp", "exponential", dtype, check, [passed("(2, 3)")]))
        made.append(Cell("neg", "arithmetic", dtype, "value", [passed("(2, 3)")]))
    return made


def record(backend: str, *made: Cell, **more: Any) -> Record:
    return Record(
        backend, "numpy", "smoke", 0, "2026-01-01T00:00:00+00:00", {"pullback": "0.1.0"}, "Linux", [],
        complete=True, cells=list(made), **more,
    )  # fmt: skip


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two backends side by side; the exponential of one got worse."""
    path = tmp_path_factory.mktemp("report") / "matrix.html"
    without = {"mpmath": "missing; pip install 'pullback[conformance]'"}
    made = [record("numpy", *cells()), record("mine", *cells(exp="failed"), oracles=without)]
    write_html(made, path, since=[record("mine", *cells())])
    return path


def test_every_dtype_fits_on_a_phone(browser: Browser, tmp_path: Path) -> None:
    checks = ("value", "dtype", "unchanged", "vjp", "jvp", "adjoint", "second")
    made = [
        Cell("leaky_relu_backward", "activations", dtype.name, check, [passed("0-d")])
        for dtype in TIERS["standard"].dtypes
        for check in checks
    ]
    write_html([record("numpy", *made)], tmp_path / "m.html")
    browser.show(tmp_path / "m.html", width=340)
    assert browser.value("document.getElementById('columns').value") == "dtypes"
    within = "document.querySelector('table.matrix').parentElement"
    assert browser.value(f"{within}.scrollWidth - {within}.clientWidth") <= 0


def focused(browser: Browser) -> str:
    return str(browser.value("document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent"))


def test_operations_are_shown_with_their_worst_cells_by_backend(browser: Browser, page: Path) -> None:
    browser.show(page)
    assert browser.value("[...document.querySelectorAll('.matrix button')].map(b => b.textContent)") == ["neg", "exp"]
    failed = "[...document.querySelectorAll('.matrix td.failed')].map(d => d.getAttribute('aria-label'))"
    (label,) = browser.value(failed)
    assert label.startswith("exp float32 value on mine: failed, 9 ulp of 4 allowed")
    assert "worse" in label
    assert "A: numpy, B: mine" in browser.text()


def test_filters_by_name_outcome_check_dtype_backend_and_change(browser: Browser, page: Path) -> None:
    browser.show(page)
    names = "[...document.querySelectorAll('.matrix button')].map(b => b.textContent)"
    width = "document.querySelectorAll('.matrix tr:last-child')[0].cells.length"

    def tick(key: str, label: str) -> None:
        boxes = f"[...document.querySelectorAll('#filters [data-key={key}]')]"
        browser.value(f"{boxes}.find(b => b.parentElement.textContent.includes('{label}')).click()")

    tick("outcomes", "failed")
    assert browser.value(names) == ["exp"]
    tick("runs", "numpy")
    assert browser.value(names) == []
    browser.value("document.getElementById('clear').click()")
    assert browser.value(names) == ["neg", "exp"]
    tick("changes", "better")
    assert browser.value(names) == []
    tick("changes", "worse")
    assert browser.value(names) == ["exp"]
    browser.value("document.getElementById('clear').click()")
    tick("dtypes", "float32")
    tick("checks", "value")
    assert browser.value(width) == 1 + 2
    browser.value("document.getElementById('name').focus()")
    browser.press("n", "e")
    assert browser.value(names) == ["neg"]
    browser.press(ESCAPE)
    assert browser.value(names) == ["neg", "exp"]


def test_it_is_read_by_keyboard_alone(browser: Browser, page: Path) -> None:
    browser.show(page)
    browser.press("/")
    assert browser.value("document.activeElement.id") == "name"
    browser.press(*"exp", DOWN)
    assert focused(browser) == "exp"
    browser.press(RIGHT, RIGHT)
    assert "on mine" in focused(browser)
    assert browser.value("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    browser.press(ENTER)
    assert browser.value("document.getElementById('operation').open")
    selected = "document.querySelector('.mini [aria-selected=true]').getAttribute('aria-label')"
    assert browser.value(selected).startswith("exp float32 value on mine")
    browser.value("document.querySelector('.mini [aria-selected=true]').focus()")
    browser.press(DOWN)
    assert browser.value(selected).startswith("exp float64 value on mine")
    browser.press(ESCAPE)
    assert not browser.value("document.getElementById('operation').open")
    assert "on mine" in focused(browser)


def test_an_operation_has_plots_samples_what_judged_and_scripts(browser: Browser, page: Path) -> None:
    browser.show(page, name="exp")
    labels = browser.value("[...document.querySelectorAll('#cell svg')].map(s => s.getAttribute('aria-label'))")
    assert labels[0].startswith("Histogram of errors of exp in ulp. numpy: 6 elements, 3 exact")
    assert labels[1].startswith("Errors of exp over the operand's value: the worst error, 0.5 ulp, at 3.5")
    shown = browser.text()
    assert "9 ulp off Judged by mpmath (40 digits)." in shown
    assert "Judged by: mpmath (40 digits)." in shown
    assert browser.value("document.querySelector('#cell pre').textContent") == "print('script')"


def test_without_scripts_the_summary_is_there(browser: Browser, page: Path) -> None:
    browser.show(page, scripts=False)
    shown = browser.page_text()
    for text in ("Not conforming", "missing oracle: mpmath; pip install", "mpmath (40 digits)", "needs JavaScript"):
        assert text in shown
    static = page.read_text(encoding="utf-8").partition('<script type="application/json"')[0]
    assert "9 ulp off" in static
    assert "exp-float32-value" in static.partition('id="history"')[2]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [340, 1200])
def test_the_page_fits_and_can_be_read(browser: Browser, page: Path, width: int, dark: bool) -> None:
    browser.show(page, width=width, dark=dark)
    assert browser.value("document.documentElement.scrollWidth") <= width
    assert browser.value("document.querySelector('table.matrix').scrollWidth") <= width
    browser.show(page, width=width, dark=dark, name="exp")
    assert browser.value("document.documentElement.scrollWidth") <= width
    assert browser.value("document.getElementById('operation').scrollWidth") <= width
    # WCAG's contrast ratio of text on what is behind it.
    ratio = """(() => {
      const linear = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
      const luminance = c => { const [r, g, b] = c.match(/\\d+/g).map(Number).map(linear);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
      const behind = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
        if (!/^rgba.*, 0\\)$/.test(c)) return c; } return getComputedStyle(document.body).backgroundColor; };
      const between = e => { const [a, b] = [luminance(getComputedStyle(e).color), luminance(behind(e))];
        return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05); };
      const shown = '.soft, .verdict, .tag, p, a, th, button, .swatch:not(.passed), td.failed, td.unsupported';
      return [...document.querySelectorAll(shown)]
        .map(e => [between(e), e.className + ' ' + e.textContent.slice(0, 30)]).filter(item => item[0] < 4.2);
    })()"""
    assert browser.value(ratio) == []


def test_every_control_has_a_name(browser: Browser, page: Path) -> None:
    browser.show(page, name="exp")
    nameless = """[...document.querySelectorAll(
      'button, input, select, [role=grid], [role=gridcell][data-place], svg, dialog')]
      .filter(e => !(e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') || e.textContent.trim()
        || e.closest('label')?.textContent.trim())).map(e => e.outerHTML.slice(0, 80))"""
    assert browser.value(nameless) == []
