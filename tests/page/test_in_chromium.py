"""The page in a real browser: on a desk, on a phone, in the dark, by keyboard, with script and without."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from page.page_builders import hub, page, tenant_name, troubled
from real_parts import missing
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
PHONE = (390, 844)
DESK = (1280, 900)

type Open = Callable[..., webdriver.Chrome]

pytestmark = pytest.mark.xdist_group("chromium")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """One Chromium with a fresh profile."""
    if shutil.which("chromium") is None or shutil.which("chromedriver") is None:
        missing("chromium and chromedriver. Install them with: sudo apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options, Service(shutil.which("chromedriver") or ""))
    yield driver
    driver.quit()


@pytest.fixture
def open_page(browser: webdriver.Chrome, tmp_path: Path) -> Open:
    """Show hubs at a size, in a colour scheme."""

    def opened(*rows: dict[str, object], size: tuple[int, int] = DESK, dark: bool = False) -> webdriver.Chrome:
        file = tmp_path / "egress.html"
        file.write_text(page(*rows).html, encoding="utf-8")
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        browser.get(file.as_uri())
        return browser

    return opened


def complaints(driver: webdriver.Chrome) -> list[str]:
    """What the browser logged: errors, and violations of the page's policy."""
    return [str(entry["message"]) for entry in driver.get_log("browser")]  # type: ignore[no-untyped-call]  # selenium's is untyped


def visible_tenants(driver: webdriver.Chrome) -> list[str]:
    """Tenants whose row is on the page and not folded away."""
    script = (
        "return [...document.querySelectorAll('tr[data-is]')].filter(r => r.checkVisibility())"
        ".map(r => r.cells[0].textContent.trim())"
    )
    found: list[str] = driver.execute_script(script)
    return found


@pytest.mark.parametrize("size", [DESK, PHONE, (320, 640)], ids=["desk", "phone", "narrow"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_fits_the_screen_and_the_browser_has_nothing_to_say(
    open_page: Open, size: tuple[int, int], dark: bool
) -> None:
    """Nothing scrolls sideways but the picture in its frame; no violation of the policy, no error."""
    driver = open_page(hub(3), troubled(), size=size, dark=dark)

    wide, background = driver.execute_script(
        "return [document.documentElement.scrollWidth, getComputedStyle(document.body).backgroundColor]"
    )

    assert wide <= size[0]
    assert ("rgb(15, 18, 22)" if dark else "rgb(246, 247, 249)") == background
    assert [] == complaints(driver)


def test_an_address_finds_its_holder(open_page: Open) -> None:
    """Typed into the search that `/` jumps to; its row stays, its place in the picture is marked, and it is said."""
    driver = open_page(hub(40))
    driver.find_element(By.TAG_NAME, "body").send_keys("/")
    box = driver.switch_to.active_element

    box.send_keys("10.96.0.17")

    assert [tenant_name(4)] == visible_tenants(driver)
    assert f"10.96.0.17: 10.96.0.16/29 {tenant_name(4)}" in driver.find_element(By.ID, "said").text
    assert 1 == len(driver.find_elements(By.CSS_SELECTOR, ".cell.hit"))
    box.send_keys(Keys.ESCAPE)
    assert [] == visible_tenants(driver)


def test_words_keep_the_rows_that_bear_them(open_page: Open) -> None:
    """A part of a tenant's or a namespace's name."""
    driver = open_page(hub(40))

    driver.find_element(By.ID, "search").send_keys("mail-003-JOBS")

    assert [tenant_name(3)] == visible_tenants(driver)
    assert "1 of 40 attachments" == driver.find_element(By.ID, "said").text


def test_an_address_of_nobody_is_said(open_page: Open) -> None:
    """And Enter on a file goes nowhere."""
    driver = open_page(hub(40))
    address = driver.current_url

    driver.find_element(By.ID, "search").send_keys("192.0.2.1", Keys.ENTER)

    assert "192.0.2.1: nobody holds it now" == driver.find_element(By.ID, "said").text
    assert address == driver.current_url


def test_a_range_in_the_picture_can_be_clicked(open_page: Open) -> None:
    """It asks for its first address."""
    driver = open_page(hub(40))

    driver.find_elements(By.CSS_SELECTOR, ".cell")[2].click()

    assert [tenant_name(4)] == visible_tenants(driver)


def test_the_keyboard_reaches_everything_and_shows_where_it_is(open_page: Open) -> None:
    """Skip link, search, hubs, folded tenants, pictures: each with a visible focus."""
    driver = open_page(hub(40), troubled())
    seen: list[str] = []
    for _ in range(12):
        driver.switch_to.active_element.send_keys(Keys.TAB)
        name, outline = driver.execute_script(
            "const e = document.activeElement; return [e.tagName, getComputedStyle(e).outlineStyle]"
        )
        assert "none" != outline, name
        seen.append(name)

    assert ["A", "INPUT", "BUTTON", "A", "A", "SUMMARY", "DIV", "DIV"] == seen[:8]


def test_a_reader_of_screens_is_told_the_same(open_page: Open) -> None:
    """Landmarks, one first heading, names on every control and picture, headers on every table, no id twice."""
    driver = open_page(hub(3), troubled())

    landmarks = [len(driver.find_elements(By.CSS_SELECTOR, one)) for one in ("header", "main", "nav", "footer", "h1")]
    unnamed = driver.execute_script(
        "return [...document.querySelectorAll('input, button, a, svg[role=img], section, nav, [role=group]')]"
        ".filter(e => !(e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') || e.textContent.trim())).length"
    )
    twice = driver.execute_script(
        "const ids = [...document.querySelectorAll('[id]')].map(e => e.id); return ids.length - new Set(ids).size"
    )
    bare = driver.execute_script(
        "return [...document.querySelectorAll('table')].filter(t => !t.querySelector('th[scope=col]')).length"
    )

    assert [1, 1, 1, 1, 1] == landmarks
    assert (0, 0, 0) == (unnamed, twice, bare)
    assert "en" == driver.find_element(By.TAG_NAME, "html").get_attribute("lang")


def test_a_thousand_tenants_are_searched_at_once(open_page: Open) -> None:
    """Folded until somebody looks for one."""
    driver = open_page(hub(1000))
    assert [] == visible_tenants(driver)

    driver.find_element(By.ID, "search").send_keys("10.98.1.129")

    assert [tenant_name(97)] == visible_tenants(driver)
    assert [] == complaints(driver)
