"""Modules are installed whole or not at all, several versions side by side."""

import pytest

from common.errors import ConfigError, EnvironmentProblem
from common.hub.archive import pack_module
from common.hub.card import Card, write_card
from common.hub.home import Home, split_reference


@pytest.fixture
def make(tmp_path):
    """A function that makes the folder of a module."""

    def made(name="lac", version="1.9.0", content="1"):
        folder = tmp_path / "made" / f"{name}-{version}-{content}"
        folder.mkdir(parents=True)
        (folder / "weights").write_text(content)
        write_card(Card(name, version, "NLP/x", "A module."), folder)
        return folder

    return made


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


def test_the_newest_version_is_found_and_the_one_that_is_asked_for(home, make, tmp_path):
    home.install(make(version="1.9.0"))
    home.install(pack_module(make(version="1.10.0"), tmp_path / "lac-1.10.0.phm"))
    home.install(make("senta", "1.0"))
    assert [f"{p.parent.name} {p.name}" for p in home.installed()] == ["lac 1.9.0", "lac 1.10.0", "senta 1.0"]
    assert home.find("lac").name == "1.10.0" and home.find("lac==1.9.0").name == "1.9.0"
    assert (home.find("lac") / "weights").read_text() == "1"
    with pytest.raises(ConfigError, match=r"there in 1\.9\.0, 1\.10\.0"):
        home.find("lac==3.0")
    for slip, meant in (("sentaa", "senta"), ("lac_smal", "lac_small")):  # installed, and not yet installed
        with pytest.raises(ConfigError, match=f"did you mean '{meant}'"):
            home.find(slip)


def test_the_same_module_twice_is_one_and_another_content_is_refused(home, make):
    first = home.install(make())
    assert home.install(first) == first
    with pytest.raises(ConfigError, match="another module of this name and version"):
        home.install(make(content="2"))
    assert (first / "weights").read_text() == "1"


def test_what_is_damaged_leaves_nothing_behind(home, make, tmp_path):
    folder = make()
    (folder / "weights").write_text("changed")
    package = pack_module(folder, tmp_path / "lac-1.9.0.phm")
    link = make(version="2.0")
    (link / "link").symlink_to("/etc/passwd")
    write_card(Card("lac", "2.0", "NLP/x", "A module."), link)
    for source in (folder, package, link):
        with pytest.raises(EnvironmentProblem, match=r"sha256|a link"):
            home.install(source)
    with pytest.raises(ConfigError, match="no such file"):
        home.install(tmp_path / "absent.phm")
    assert home.installed() == [] and not list(home.modules.iterdir())


def test_what_a_killed_process_left_is_removed(home, make):
    home.modules.mkdir(parents=True)
    (home.modules / ".new-1").mkdir()
    home.install(make())
    assert [p.name for p in home.modules.iterdir()] == ["lac"]


def test_one_version_or_all_are_removed(home, make):
    for version in ("1.0", "1.1", "1.2"):
        home.install(make(version=version))
    assert [p.name for p in home.uninstall("lac==1.1")] == ["1.1"]
    assert [p.name for p in home.uninstall("lac")] == ["1.0", "1.2"]
    assert not list(home.modules.iterdir())
    with pytest.raises(ConfigError, match="not installed"):
        home.uninstall("lac")


@pytest.mark.parametrize("text", ["", "../lac", "lac==", "lac=1", "Lac", "lac==1.0.0.0", "lac==x", "lac 1"])
def test_other_references_are_refused(text):
    with pytest.raises(ConfigError, match="NAME==VERSION"):
        split_reference(text)


def test_a_name_that_people_know_is_that_of_our_module(home, make):
    home.install(make("blazeface", "1.0"))
    assert home.find("pyramidbox_lite_mobile").parent.name == "blazeface"
    with pytest.raises(ConfigError, match="not installed"):
        home.find("pyramidbox_face_detection")
    assert [path.parent.name for path in home.uninstall("pyramidbox_lite_mobile==1.0")] == ["blazeface"]
