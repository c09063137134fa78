"""The page at /, in a real browser (Debian: apt-get install chromium chromium-driver; pip install selenium)."""

import json
import shutil
import time

import numpy as np
import pytest

from common.hub.card import Card, write_card
from common.vision.instance_masks import encode_mask
from tests.deploy.serving_process import serving
from tests.made.browser import LACKING, chromium

pytestmark = pytest.mark.skipif(bool(LACKING), reason=f"needs {', '.join(LACKING)}")

KEY = "correct-horse"
# drops a file of these bytes, by their base64, on the page
DROP = """
const bytes = Uint8Array.from(atob(arguments[0]), letter => letter.charCodeAt(0)), data = new DataTransfer();
data.items.add(new File([bytes], arguments[1], {type: arguments[2]}));
document.getElementById("drop").dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true}));
"""
INK = """
const canvas = document.getElementById("canvas"), one = canvas.getContext("2d").getImageData(...arguments).data;
return Array.from(one);
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("browser")) as driver:
        yield driver


@pytest.fixture(scope="module")
def server(exported, numbers, digits, tmp_path_factory):
    """A server of a module of the hub, whose example is an image of its folder, and of a plain model."""
    module = shutil.copytree(exported, tmp_path_factory.mktemp("module") / "module")
    shutil.copy(digits / "digits/JPEGImages/eval_00000.jpg", module / "example.jpg")
    write_card(Card("yolov3", "1.0.0", "CV/object_detection", "Digits.", example="example.jpg"), module)
    with serving(module, numbers) as running:
        yield running


@pytest.fixture
def page(browser, server):
    browser.get(server.url)
    until(lambda: text(browser, "model"))
    return browser


def text(browser, name):
    return browser.find_element("id", name).text


def until(true, seconds=30):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def answered(page):
    until(lambda: text(page, "state") not in ("", "..."))
    return text(page, "state")


def set_threshold(page, value):
    page.execute_script(
        "const one = document.getElementById('threshold'); one.value = arguments[0];"
        "one.dispatchEvent(new Event('input')); one.dispatchEvent(new Event('change'));",
        value,
    )


@pytest.fixture
def photo(digits):
    return digits / "digits/JPEGImages/eval_00000.jpg"


def test_a_chosen_image_is_answered_with_boxes_names_scores_and_the_json(page, server, photo):
    assert text(page, "model").split() == ["yolov3", "(Detection)", "numbers", "(Tensors)"]
    set_threshold(page, "0.05")
    page.find_element("id", "file").send_keys(str(photo))
    state = answered(page)
    expected = server.ask("/v1/models/yolov3:predict?threshold=0.05", photo.read_bytes(), "image/jpeg").json
    records = expected["predictions"][0]
    assert state.startswith(f"{len(records)} found in ") and " ms by yolov3" in state
    assert json.loads(text(page, "json")) == expected
    rows = [row.text.split() for row in page.find_elements("css selector", "#found tbody tr")]
    assert rows == [[record["label"], f"{record['score']:.3f}"] for record in records]
    box, scale = records[0]["box"], page.execute_script("return document.getElementById('canvas').width") / 96
    x, y = (box[0] + box[2]) / 2 * scale, box[3] * scale  # the lower edge
    line = page.execute_script(INK, x, min(y, 96 * scale) - 4, 1, 8)
    color = page.execute_script(
        "const c = document.createElement('canvas').getContext('2d'); c.fillStyle = color(arguments[0]);"
        "c.fillRect(0, 0, 1, 1); return Array.from(c.getImageData(0, 0, 1, 1).data)",
        records[0]["category_id"],
    )
    assert color in [line[start : start + 4] for start in range(0, len(line), 4)]
    assert [entry for entry in page.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []


def test_a_module_is_tried_with_its_example_from_the_page_of_all_modules(browser, server, photo):
    browser.get(f"{server.url}/modules")
    assert "hub run lac --input_text" in browser.find_element("tag name", "main").text
    browser.find_element("css selector", "#yolov3 .try").click()
    until(lambda: text(browser, "model"))
    assert " by yolov3, version 1.0.0" in answered(browser)
    expected = server.ask("/v1/models/yolov3:predict", photo.read_bytes(), "image/jpeg").json
    assert json.loads(text(browser, "json")) == expected
    assert browser.find_element("id", "canvas").is_displayed()
    assert [entry for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []


def test_an_image_can_be_dropped_and_the_threshold_moved(page, photo):
    import base64

    page.execute_script(DROP, base64.b64encode(photo.read_bytes()).decode(), "a.jpg", "image/jpeg")
    answered(page)
    set_threshold(page, "0")
    until(lambda: text(page, "state").split()[0] not in ("0", "...", ""))
    every = int(text(page, "state").split()[0])
    set_threshold(page, "1")
    until(lambda: text(page, "state").startswith("0 found"))
    assert every > 0


def test_masks_are_drawn_over_the_image_where_they_are_and_nowhere_else(page, photo):
    page.find_element("id", "file").send_keys(str(photo))
    answered(page)
    mask = np.zeros((96, 96), bool)
    mask[10:40, 20:70], mask[25, 30] = True, False
    records = [{"label": "1", "score": 0.9, "category_id": 1, "mask": encode_mask(mask)}]
    alone = "const data = document.getElementById('canvas').getContext('2d').getImageData(0, 0, 384, 384).data; "
    before, after = (
        np.reshape(page.execute_script(f"draw(arguments[0]); {alone} return Array.from(data)", drawn), (384, 384, 4))
        for drawn in ([], records)
    )
    changed = (before != after).any(axis=2)
    assert (changed == np.kron(mask, np.ones((4, 4), bool))).all()  # the image is shown four times as large


def test_what_is_no_image_is_refused_in_words(page, tmp_path):
    (tmp_path / "notes.jpg").write_bytes(b"no image at all")
    page.find_element("id", "file").send_keys(str(tmp_path / "notes.jpg"))
    assert "(415)" in answered(page) and "not an image" in text(page, "state")
    assert page.find_element("id", "state").get_attribute("class") == "bad"
    assert not page.find_element("id", "raw").is_displayed()


def test_tensors_are_typed_as_json(page):
    from selenium.webdriver.support.select import Select

    Select(page.find_element("id", "model")).select_by_value("numbers")
    field = page.find_element("id", "text")
    assert json.loads(field.get_attribute("value")) == {"x": [[0]]}
    field.clear()
    field.send_keys('{"x": [[40]]}')
    page.find_element("css selector", "#words button").click()
    answered(page)
    assert json.loads(text(page, "json"))["predictions"] == [[{"y": [42]}]]
    field.clear()
    field.send_keys('{"x": ')
    page.find_element("css selector", "#words button").click()
    until(lambda: "This is not JSON" in text(page, "state"))


def test_a_server_that_is_gone_and_a_key_that_is_asked_for_are_said_in_words(browser, numbers):
    with serving(numbers, environment={"KIT_API_KEY": KEY}) as locked:
        browser.get(locked.url)
        until(lambda: "(401)" in text(browser, "state"))
        browser.find_element("id", "key").send_keys(KEY + "\t")
        until(lambda: text(browser, "model"))
        assert text(browser, "state") == ""
        assert locked.stop() == 0
        browser.find_element("css selector", "#words button").click()
        until(lambda: "The server does not answer" in text(browser, "state"))


def test_nothing_comes_from_elsewhere(server):
    html = server.ask("/").body.decode()
    assert "://" not in html.replace("http://www.w3.org", "")
    assert "unsafe-inline" not in server.ask("/").headers["content-security-policy"]


def test_masks_lie_over_the_image_in_the_colors_of_their_classes(page):
    masks = np.zeros((2, 40, 30), bool)
    masks[0, 5:25, 4:20], masks[1, 10:40, 15:30] = True, True
    records = [{"category_id": k, "mask": encode_mask(mask)} for k, mask in enumerate(masks)]
    script = """
    const canvas = document.createElement("canvas"), [height, width] = arguments[0][0].mask.size;
    canvas.width = width; canvas.height = height;
    overlay(arguments[0], canvas, canvas.getContext("2d"));
    return Array.from(canvas.getContext("2d").getImageData(0, 0, width, height).data);
    """
    drawn = np.array(page.execute_script(script, records)).reshape(40, 30, 4)
    assert ((drawn[..., 3] > 0) == masks.any(0)).all()
    first, second = drawn[6, 5], drawn[39, 29]
    assert (drawn[masks[0]] == first).all() and (drawn[masks[1] & ~masks[0]] == second).all()
    assert (first != second).any() and first[3] in (127, 128)
