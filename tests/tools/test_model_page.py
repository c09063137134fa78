"""Tests of the page of `tools/zoo.py page`, in a real browser and from a file."""

import dataclasses

import pytest

from tests.made.browser import LACKING, chromium
from tools import zoo
from tools.model_zoo import facts
from tools.model_zoo.page import TEMPLATE, page

pytestmark = pytest.mark.skipif(bool(LACKING), reason=f"needs {', '.join(LACKING)}")
TASKS = facts.read_tasks()
OWN = [model for model in facts.read_models(tasks=TASKS) if model.task.name == "classification"]
EVIL = "</script><img src=x onerror=document.title='broken'><!--"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("browser")) as driver:
        yield driver


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "models.html"
    assert zoo.main(["page", "--out", str(path)]) == 0
    return path


@pytest.fixture
def opened(browser, file):
    browser.get(file.as_uri())
    yield browser
    assert [entry for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []


def texts(driver, selector):
    return driver.execute_script(
        "return Array.from(document.querySelectorAll(arguments[0]), one => one.textContent)", selector
    )


def rows(driver):
    return texts(driver, "#table tbody tr td:first-child")


def status(driver):
    return driver.find_element("id", "status").text


def slide(driver, quantity, place):
    driver.execute_script(
        "const one = document.getElementById(arguments[0]); one.value = arguments[1];"
        "one.dispatchEvent(new Event('input'));",
        f"bound_{quantity}",
        place,
    )


def pick(driver, name, value):
    driver.execute_script(
        "const one = document.getElementById(arguments[0]); one.value = arguments[1];"
        "for (const kind of ['input', 'change']) one.dispatchEvent(new Event(kind, {bubbles: true}))",
        name,
        value,
    )


def head(driver, quantity):
    return driver.find_element("css selector", f"th button[data-key={quantity}]")


def test_all_models_of_the_first_task_are_shown_without_any_request(opened):
    assert sorted(rows(opened)) == sorted(model.name for model in OWN)
    assert status(opened) == f"{len(OWN)} of {len(OWN)} models"
    assert opened.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert "://" not in TEMPLATE.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")


def test_a_bound_keeps_the_models_within_it_and_counts_those_without_the_figure(opened):
    latencies = sorted({model.costs["latency"] for model in OWN if "latency" in model.costs}, reverse=True)
    most = latencies[len(latencies) // 2]
    slide(opened, "latency", len(latencies) // 2 + 1)
    kept = [model.name for model in OWN if model.costs.get("latency", most + 1) <= most]
    lacking = sum("latency" not in model.costs for model in OWN)
    assert sorted(rows(opened)) == sorted(kept) and 0 < len(kept) < len(OWN)
    assert status(opened) == f"{len(kept)} of {len(OWN)} models; {lacking} have no latency"
    assert opened.find_element("id", "bound_latency").get_attribute("aria-valuetext").startswith("at most ")
    opened.find_element("css selector", "button[type=reset]").click()
    assert len(rows(opened)) == len(OWN)


def test_a_click_on_a_heading_sorts_and_a_second_one_turns_the_order(opened):
    pick(opened, "data", "ImageNet")
    head(opened, "latency").click()
    known = sorted(
        (model.costs["latency"], model.name) for model in OWN if model.data == "ImageNet" and "latency" in model.costs
    )
    assert rows(opened)[0] == known[0][1]
    assert head(opened, "latency").find_element("xpath", "..").get_attribute("aria-sort") == "ascending"
    head(opened, "latency").click()
    assert rows(opened)[0] == known[-1][1] and opened.switch_to.active_element == head(opened, "latency")


def test_a_click_on_a_point_chooses_its_model(opened):
    points = opened.find_elements("css selector", "#latency_plot circle")
    assert len(points) == sum({"top1"} <= {*m.published, *m.measured} and "latency" in m.costs for m in OWN)
    name = points[0].get_attribute("aria-label").split(": ")[0]
    points[0].click()
    (model,) = [model for model in OWN if model.name == name]
    assert texts(opened, "#details h2") == [name] and model.config in opened.find_element("id", "details").text
    assert texts(opened, "tr.chosen td:first-child") == [name]
    assert [len(texts(opened, f"#{cost}_plot circle.chosen")) for cost in ("latency", "size")] == [1, 1]


def test_the_keyboard_moves_from_point_to_point_and_chooses(opened):
    from selenium.webdriver.common.keys import Keys

    first = opened.find_element("css selector", "#size_plot circle[tabindex='0']")
    opened.execute_script("arguments[0].focus()", first)
    first.send_keys(Keys.ARROW_RIGHT)
    second = opened.switch_to.active_element
    assert second != first and second.tag_name == "circle"
    name = second.get_attribute("aria-label").split(": ")[0]
    second.send_keys(Keys.ENTER)
    assert texts(opened, "#details h2") == [name]
    assert opened.switch_to.active_element.get_attribute("aria-label").startswith(name)


def test_figures_measured_here_are_marked_and_can_be_chosen_alone(opened):
    measured = [model.name for model in OWN if "top1" in model.measured]
    assert len(texts(opened, "#table small")) == len(measured)
    assert len(texts(opened, "#latency_plot circle.here")) == sum(
        "top1" in model.measured and "latency" in model.costs for model in OWN
    )
    pick(opened, "source", "measured")
    slide(opened, "top1", 1)
    assert sorted(rows(opened)) == sorted(measured)


def test_kit_task_and_words_filter(opened):
    pick(opened, "kit", "PaddleRec")
    assert texts(opened, "#task option")[:-1] == ["ranking", "item matching"]
    pick(opened, "task", "item_matching")
    pick(opened, "search", "gru4rec BPR")
    assert rows(opened) == ["GRU4Rec, BPR"]
    pick(opened, "search", "")
    pick(opened, "kit", "")
    pick(opened, "task", "")
    assert len(rows(opened)) == len(facts.read_zoo()) and not opened.find_element("id", "plots").is_displayed()


def test_light_and_dark_follow_the_system(opened):
    backgrounds = []
    for scheme in ("light", "dark"):
        features = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        opened.execute_cdp_cmd("Emulation.setEmulatedMedia", features)
        backgrounds.append(opened.execute_script("return getComputedStyle(document.body).backgroundColor"))
    assert backgrounds == ["rgb(255, 255, 255)", "rgb(20, 24, 29)"]


def test_names_are_text(browser, tmp_path):
    known = [dataclasses.replace(model, name=EVIL, data=EVIL) for model in OWN[:3]]
    (tmp_path / "evil.html").write_text(page(known), encoding="utf-8")
    browser.get((tmp_path / "evil.html").as_uri())
    browser.find_element("css selector", "td button").click()
    assert rows(browser) == [EVIL] * 3 and texts(browser, "#details h2") == [EVIL]
    assert browser.title == "Choose a model" and texts(browser, "body img") == []
