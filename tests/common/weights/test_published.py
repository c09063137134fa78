"""Published weights: the index of a kit, the download, and the conversion of names."""

import hashlib

import numpy as np
import pytest

from common.config import load_config
from common.errors import ConfigError, EnvironmentProblem
from common.weights import published
from common.weights.pdparams import UnsafeFile, encode_pdparams
from common.weights.published import COLUMNS, find_published, read_index
from tests.common.weights.lying_server import serving

WEIGHTS = {"block.0._weight": np.arange(6, dtype="f4").reshape(2, 3), "block.0._bias": np.ones(3, "f4")}
NAMES = '''
from common.config import load_config
from common.config import load_config
from common.errors import ConfigError


class OfficialNames:
    """Renames their arrays to ours.

    Args:
        family (str): naming scheme.
    """

    def __init__(self, family):
        self.family = family

    def rename(self, arrays, shapes):
        """Renames the arrays."""
        if [value.shape for value in arrays.values()] != list(shapes.values()):
            raise ConfigError("other shapes")
        return dict(zip(shapes, arrays.values()))
'''

NET = '''
from paddle import nn


class SmallNet(nn.Layer):
    """One layer.

    Args:
        num_classes (int): number of outputs.
    """

    def __init__(self, num_classes):
        super().__init__()
        self.layer = nn.Linear(num_classes, 3)
'''


@pytest.fixture
def server(monkeypatch, tmp_path):
    monkeypatch.setenv("KIT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KIT_ALLOW_LOCAL", "1")
    monkeypatch.delenv("KIT_OFFLINE", raising=False)
    with serving(encode_pdparams(WEIGHTS)) as running:
        yield running


@pytest.fixture
def kit(tmp_path, server):
    """A function that writes a kit with one line in its index; returns the kit's folder."""

    def write(sha256="", family="", name="small", **more):
        folder = tmp_path / f"Kit_{tmp_path.name}_{len(list(tmp_path.iterdir()))}"
        (folder / "models").mkdir(parents=True)
        (folder / "models/official_names.py").write_text(NAMES)
        (folder / "models/small_net.py").write_text(NET)
        (folder / "configs").mkdir()
        (folder / "configs/small.yml").write_text("# small\nmodel: {type: SmallNet}\n")
        (folder / "labels.txt").write_text("cat\nbig dog\n")
        line = {"name": name, "address": server.address, "sha256": sha256, "license": "MIT", "labels": "labels.txt"}
        line |= {"family": family, "top1": "70.0", "top5": "90.0"} | more
        (folder / "pretrained.csv").write_text(
            ",".join(COLUMNS) + "\n" + ",".join(line.get(c, "") for c in COLUMNS) + "\n"
        )
        return folder

    return write


def test_weights_are_downloaded_once_and_renamed(kit, server):
    folder = kit(family="ours", sha256=hashlib.sha256(server.body).hexdigest())
    for _ in range(2):
        arrays = find_published(folder, "small").arrays()
    assert (
        set(arrays) == {"layer.weight", "layer.bias"} and (arrays["layer.weight"] == WEIGHTS["block.0._weight"]).all()
    )
    assert len(server.asked) == 1 and find_published(folder, "small").class_names() == ["cat", "big dog"]


def test_without_a_published_checksum_that_of_the_first_download_is_enforced(kit, server, caplog):
    entry = find_published(kit(), "small")
    entry.arrays()
    (path,) = published.Path(server_home()).rglob("*.pdparams")
    assert hashlib.sha256(path.read_bytes()).hexdigest() in caplog.text
    path.write_bytes(encode_pdparams({"block.0._weight": np.zeros((2, 3), "f4")}))
    with pytest.raises(EnvironmentProblem, match="the sha256 is"):
        entry.arrays()


def server_home():
    from common.weights.download import cache_folder

    return cache_folder()


def test_a_file_with_another_checksum_than_the_index_is_refused(kit):
    with pytest.raises(EnvironmentProblem, match="checksum mismatch"):
        find_published(kit(sha256="0" * 64), "small").arrays()


def test_a_file_of_another_network_is_refused_by_name(kit, server):
    server.body = encode_pdparams({"block.0._weight": np.ones((5, 3), "f4"), "block.0._bias": np.ones(3, "f4")})
    with pytest.raises(ConfigError, match="not the weights of small: other shapes"):
        find_published(kit(family="ours"), "small").arrays()


def test_a_published_file_that_would_run_code_is_refused(kit, server):
    server.body = b"cos\nsystem\n(S'touch /tmp/never'\ntR."
    with pytest.raises(UnsafeFile):
        find_published(kit(), "small").arrays()


def test_missing_settings_of_the_model_are_named(kit):
    folder = kit(settings="model.wide=true")
    config = load_config(folder / "configs/small.yml")
    with pytest.raises(ConfigError, match=r"a model with model\.wide=true; add -o model\.wide=true"):
        find_published(folder, "small").check_settings(config)
    config.set("model.wide", True)
    find_published(folder, "small").check_settings(config)


def test_an_unknown_name_is_refused_with_a_suggestion(kit):
    with pytest.raises(ConfigError, match=r"smal: .*did you mean 'small'"):
        find_published(kit(), "smal")


@pytest.mark.parametrize("value", ["output/run/best", "weights.safetensors", "w.pdparams", "../small", "", None])
def test_paths_are_not_looked_up(kit, value):
    assert find_published(kit(), value) is None


def test_an_existing_path_takes_precedence_over_the_index(kit, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = kit()
    (tmp_path / "small").mkdir()
    assert find_published(folder, "small") is None


def test_a_kit_without_an_index_knows_no_names(tmp_path):
    assert read_index(tmp_path) == {} and find_published(tmp_path, "small") is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": "Bad Name"}, "not a valid name"),
        ({"sha256": "abc"}, "64 hexadecimal"),
        ({"top5": "1,2"}, "12 columns"),
    ],
)
def test_a_malformed_line_is_named(kit, given, words):
    with pytest.raises(ConfigError, match=rf"pretrained\.csv:2: .*{words}"):
        read_index(kit(**given))


def test_weights_of_another_definition_are_refused_with_the_reason(kit):
    folder = kit(refused="it adds where ours multiplies")
    with pytest.raises(ConfigError, match=r"^small: there is no such model here: it adds where ours multiplies$"):
        find_published(folder, "small").check_settings(load_config(folder / "configs/small.yml"))


def test_settings_are_compared_as_values(kit):
    folder = kit(settings="model.sizes=[3] model.other=null")
    entry, path = find_published(folder, "small"), folder / "configs/small.yml"
    entry.check_settings(load_config(path, ["model.sizes=[ 3 ]"]))
    with pytest.raises(ConfigError, match=r"need a model with model.sizes=\[3\]; add -o model.sizes=\[3\]"):
        entry.check_settings(load_config(path, ["model.sizes=[2]"]))
