"""A module that is trained from the data of a package: made, scored, installed, and resumed after an interruption."""

import dataclasses
import zipfile

import pytest

from common import hub
from common.commands import hub as hub_command
from common.errors import ConfigError
from common.hub.card import read_card
from common.hub.catalog import Offer, find_offer, offers
from common.hub.home import Home
from common.hub.registry import Package
from common.hub.trained import MISSING, read_trained_recipe, trained_recipes
from common.training.run import Run
from common.weights.download import sha256_of
from tests.made.commands import command

GOOD, BAD = "很好喜欢干净", "差糟坏脏慢吵"
SMALL = [
    *("model.encoder={type: CNN, vocab_size: 13, embedding_size: 8, filters: 8}", "model.head.hidden=[8]"),
    *("train.batch_size=8", "train.workers=0", "train.epochs=1", "optimizer.lr={type: Constant, base: 0.02}"),
]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A package with 40 reviews of each kind, of which no two are alike."""
    path = tmp_path_factory.mktemp("wheel") / "reviews.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, letters in (("pos", GOOD), ("neg", BAD)):
            lines = [
                f"{letters[k % 6]}{letters[k // 6 % 6]}{letters[(k + 1) % 6]}{letters[k // 36]}" for k in range(40)
            ]
            archive.writestr(f"pkg/{name}.txt", "\n".join(lines))
        archive.writestr("pkg/__init__.py", "raise SystemExit")
    return path


@pytest.fixture
def recipe(wheel, tmp_path, monkeypatch):
    """The shipped recipe with the small package in the place of the real one."""
    monkeypatch.setattr(Package, "fetch", lambda package: wheel)
    monkeypatch.setenv("HUB_HOME", str(tmp_path / "home"))
    found = trained_recipes()["reviews_sentiment"]
    making = found.making | {"sha256": sha256_of(wheel), "members": ["pkg/pos.txt", "pkg/neg.txt"]}
    return dataclasses.replace(found, making=making)


def test_a_module_is_trained_scored_and_installed_and_an_interrupted_training_is_resumed(recipe, tmp_path, monkeypatch):
    def interrupted(run, folder):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Run, "export", interrupted)
        recipe.train(tmp_path / "module", SMALL)
    place = tmp_path / "home/build/reviews_sentiment"
    (checkpoint,) = place.glob("run/*/best/model.safetensors")
    before, after = checkpoint.read_bytes(), []
    train = Run.train
    monkeypatch.setattr(Run, "train", lambda run: (train(run), after.append(checkpoint.read_bytes()))[0])
    offer = Offer("reviews_sentiment", "1.0.0", "x", "y", recipe)
    monkeypatch.setattr("common.hub.catalog.find_offer", lambda *_: offer)
    answer = command(hub_command.main, "build", "reviews_sentiment", "-o", *SMALL)
    assert answer.code == 0 and "reviews_sentiment==1.0.0 is installed" in answer.out, answer.err
    assert "this run is complete" in answer.err and after == [before] and not place.exists()
    card = read_card(Home().find("reviews_sentiment"))
    reached = {"name": "accuracy", "value": 1.0, "data": recipe.making["trained_on"]}
    assert card.metrics[0] == reached | {"command": "python tools/hub.py build reviews_sentiment"}
    assert card.metrics[1:] == recipe.card.metrics  # the baseline beside it
    found = hub.Module(name="reviews_sentiment").sentiment_classify(texts=[GOOD[:4], BAD[:4]])
    assert [records[0]["label"] for records in found] == ["positive", "negative"]


def test_what_is_trained_is_listed_and_not_downloaded(recipe):
    (offer,) = [offer for offer in offers() if offer.trains]
    assert offer.name == "reviews_sentiment" and offer.card().summary == offer.summary
    with pytest.raises(ConfigError, match=r"hub\.py build reviews_sentiment"):
        Home().install_offer(offer)
    command(hub_command.main, "build", "lac").refused(2, "hub.py install lac")


@pytest.mark.parametrize("name", MISSING)
def test_categories_without_a_model_say_so(name):
    with pytest.raises(ConfigError, match="in this repository yet"):
        find_offer(name)


def test_a_wrong_recipe_is_named_with_its_lines(recipe, tmp_path):
    text = recipe.path.read_text()
    path = tmp_path / "a.yml"
    path.write_text(text.replace("minutes: 7", "minute: 7").replace("version: '1.0.0'", "version: 1"))
    with pytest.raises(
        ConfigError, match=r"'minutes' is missing[\s\S]*'version' is a text[\s\S]*did you mean 'minutes'"
    ):
        read_trained_recipe(path)
