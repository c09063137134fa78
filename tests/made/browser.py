"""Chromium without a window, for the tests of pages."""

import contextlib
import importlib.util
import shutil

LACKING = [name for name in ("chromium", "chromedriver") if not shutil.which(name)]
LACKING += [] if importlib.util.find_spec("selenium") else ["selenium"]
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1100,900",
]


@contextlib.contextmanager
def chromium(folder):
    """A selenium driver whose browser keeps its profile in `folder` and its console's messages."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in (*FLAGS, f"--user-data-dir={folder}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        yield driver
    finally:
        driver.quit()
