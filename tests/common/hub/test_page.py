"""The page of modules: every module with its calls, nothing of a card as markup, and examples only of what is safe."""

from html.parser import HTMLParser

import pytest

from common.hub.card import Card
from common.hub.page import example_file, module_page
from common.hub.recipe import recipes

HOSTILE = '"><script>alert(1)</script>'
TEXT = Card(
    "lac", "1.0.0", "NLP/lexical", "Words.", example="it's 百度", metrics=[{"name": "f1", "value": 0.9, "data": "LAC"}]
)
IMAGE = Card("cats", "1.0.0", "CV/classes", "Cats.", example="package:skimage/data/chelsea.png")


class Seen(HTMLParser):
    """The elements of a page, their links, and its text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.links, self.text = [], [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data):
        self.text += data


def test_every_shipped_module_is_listed_with_its_calls():
    cards = [recipe.card for recipe in recipes().values()]
    seen = Seen(module_page(cards))
    assert seen.tags.count("article") == len(cards) and "script" not in seen.tags and "a" in seen.tags
    for card in cards:
        assert f"hub install {card.name}" in seen.text and card.summary in seen.text
    assert all(link.startswith(("https://", "data:,")) for link in seen.links)


def test_served_modules_come_first_with_a_link_to_try_them_and_a_request():
    seen = Seen(module_page([IMAGE, TEXT], {"words": (TEXT, "text")}))
    assert "./#words" in seen.links and "./#cats" not in seen.links
    assert seen.text.index("lac") < seen.text.index("cats") and "2 modules, 1 of them served here" in seen.text
    assert """hub run lac --input_text 'it'"'"'s 百度'""" in seen.text and "0.9, LAC" in seen.text
    assert "SERVER/v1/models/words:predict" in seen.text
    image = Seen(module_page([], {"cats": (IMAGE, "image")})).text
    assert "curl -F image=@FILE SERVER/v1/models/cats:predict" in image and "hub run cats --input_path FILE" in image


def test_nothing_of_a_card_is_markup():
    card = Card(*[HOSTILE] * 4, license=HOSTILE, source=HOSTILE, inputs=HOSTILE, outputs=HOSTILE, example=HOSTILE)
    plain = Seen(module_page([], {"x": (Card("x", "1.0.0", "a", "b", example="c", source="c", inputs="d"), "text")}))
    seen = Seen(module_page([], {HOSTILE: (card, "text")}))
    assert set(seen.tags) == set(plain.tags) and HOSTILE in seen.text
    assert "a" not in Seen(module_page([Card("x", "1.0.0", "a", "b", source="javascript:alert(1)")])).tags


@pytest.mark.parametrize(
    ("example", "given"),
    [
        ("a.png", True),
        ("in/b.wav", True),
        ("model.pdiparams", False),
        ("../a.png", False),
        ("/etc/passwd.png", False),
        ("package:skimage/data/../setup.png", False),
        ("package:os/data/a.png", False),
        ("package:skimage/data/no_such.png", False),
        ("package:skimage/data/coffee.png", True),
        ("a text", False),
    ],
)
def test_an_example_is_a_file_of_the_module_or_a_photograph_of_an_installed_package(example, given, tmp_path):
    files = dict.fromkeys(("a.png", "in/b.wav", "model.pdiparams"), "0" * 64)
    found = example_file(Card("x", "1.0.0", "a", "b", example=example, files=files), tmp_path)
    assert (found is not None) == given
    assert found is None or found.suffix in (".png", ".wav")
    assert found is None or example.startswith("package:") or found == tmp_path / example
