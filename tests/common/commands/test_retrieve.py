"""`PaddleCV/tools/retrieve.py`: the nearest images, the index and its refusals, the contact sheet."""

import csv
import json
import shutil
import sys
import types

import cv2
import numpy as np
import pytest

from common.build.model import build_model
from common.config import load_config
from common.export.write import export
from common.inference.nearest import nearest_rows
from common.inference.retrieval import by_shape, neighbors, read_image_index
from common.vision.contact_sheet import contact_sheet
from common.weights.manifest import write_manifest
from tests.made.commands import command

TWIN = "PaddleCV/configs/tiny/metric_learning/arcmargin.yml"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """An export of the tiny embedder on its first weights."""
    folder = tmp_path_factory.mktemp("retrieve") / "export"
    config = load_config(TWIN)
    config.check()
    network = build_model(config, None)
    network.eval()
    export(network, config, None, {"image": np.zeros((1, 3, 32, 32), np.float32)}, folder)
    return folder


@pytest.fixture
def images(tmp_path):
    """A folder with six images, of which 0 and 3 are nearly the same."""
    rng = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    first = rng.integers(0, 256, (32, 32, 3), np.uint8)
    for number in range(6):
        image = np.clip(first.astype(int) + 1, 0, 255) if number == 3 else rng.integers(0, 256, (32, 40, 3), np.uint8)
        cv2.imwrite(str(tmp_path / f"images/{number}.png"), first if number == 0 else image.astype(np.uint8))
    return tmp_path / "images"


def retrieve(model, *arguments):
    return command("retrieve", "--model", str(model), *map(str, arguments))


def test_the_nearest_image_of_a_query_is_its_near_copy_and_never_itself(model, images):
    answer = retrieve(model, "--gallery", images, "--query", images / "0.png", "--count", 3, "--json")
    assert answer.code == 0, answer.err
    found = json.loads(answer.out)
    assert found["image"].endswith("0.png") and len(found["nearest"]) == 3
    assert found["nearest"][0]["image"].endswith("3.png") and found["nearest"][0]["score"] > 0.99
    scores = [item["score"] for item in found["nearest"]]
    assert scores == sorted(scores, reverse=True)
    assert not any(item["image"].endswith("0.png") for item in found["nearest"])


def test_all_queries_of_a_folder_are_written_to_a_table_and_drawn(model, images, tmp_path):
    given = ("--gallery", images, "--query", images, "--count", 2)
    assert retrieve(model, *given, "--out", tmp_path / "out/found.csv").code == 0
    rows = list(csv.DictReader((tmp_path / "out/found.csv").open()))
    assert len(rows) == 12 and [row["rank"] for row in rows[:2]] == ["1", "2"]
    assert retrieve(model, *given, "--out", tmp_path / "sheet.png").code == 0
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet.shape[0] > 6 * 128 and sheet.shape[1] > 3 * 128 and len(np.unique(sheet)) > 100


def test_an_index_is_kept_and_refused_when_model_or_images_have_changed(model, images, tmp_path):
    index = tmp_path / "index.npz"
    asked = ("--index", index, "--query", images / "0.png", "--json")
    first = retrieve(model, "--gallery", images, *asked)
    assert first.code == 0 and index.exists()
    written = index.stat().st_mtime_ns
    assert retrieve(model, *asked).out == first.out and index.stat().st_mtime_ns == written
    shutil.copy(images / "1.png", images / "2.png")
    retrieve(model, *asked).refused(2, "1 changed or missing", "2.png", "--rebuild")
    shutil.copy(images / "1.png", images / "7.png")
    retrieve(model, "--gallery", images, *asked).refused(2, "1 new", "7.png")
    assert retrieve(model, "--gallery", images, "--rebuild", *asked).code == 0
    other = shutil.copytree(model, tmp_path / "other")
    text = (other / "infer.yml").read_text().replace("name: arcmargin", "name: another")
    (other / "infer.yml").write_text(text)
    (other / "manifest.json").unlink()
    write_manifest(other)
    retrieve(other, *asked).refused(2, "made with another model")


def test_a_file_that_is_no_index_is_refused_and_nothing_is_unpickled(model, images, tmp_path):
    index = tmp_path / "index.npz"
    asked = ("--index", index, "--query", images / "0.png")
    for arrays in (
        {
            "embeddings": np.array([{}], object),
            "paths": np.array("a"),
            "digests": np.array("a"),
            "model": np.array("m"),
        },
        {"embeddings": np.zeros((2, 3), "float32"), "paths": np.array(["a"]), "digests": np.array(["a"]), "model": "m"},
        {"embeddings": np.full((1, 3), np.nan), "paths": np.array(["a"]), "digests": np.array(["a"]), "model": "m"},
        {"other": np.zeros(3)},
    ):
        np.savez(index, **arrays)
        retrieve(model, *asked).refused(3, "index of images")
    index.write_bytes(b"PK\x03\x04")
    retrieve(model, *asked).refused(3, "is no index of images")


def test_an_image_that_cannot_be_read_is_named_and_the_others_are_found(model, images, tmp_path):
    (images / "bad.png").write_bytes(b"no image")
    answer = retrieve(model, "--gallery", images, "--query", images / "0.png", "--index", tmp_path / "index.npz")
    assert answer.code == 3 and "bad.png" in answer.err and "3.png" in answer.out
    assert "is not written" in answer.err and not (tmp_path / "index.npz").exists()


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("--query", "a.png"), ["--gallery"]),
        (("--query", "a.png", "--gallery", "g", "--index", "a.bin"), ["ends in .npz"]),
        (("--query", "a.png", "--gallery", "g", "--count", "0"), ["--count is 0"]),
        (("--query", "a.png", "--gallery", "g", "--out", "a.txt"), ["contact sheets"]),
        (("--query", "a.png", "--gallery", "g", "--rebuild"), ["--rebuild is for --index"]),
    ],
)
def test_arguments_that_do_not_fit_are_refused(model, arguments, words):
    retrieve(model, *arguments).refused(2, *words)


def test_a_model_of_another_task_is_refused(model, images, tmp_path):
    other = shutil.copytree(model, tmp_path / "other")
    text = (other / "infer.yml").read_text().replace("task: Embedding", "task: ImageClassification")
    (other / "infer.yml").write_text(text)
    (other / "manifest.json").unlink()
    write_manifest(other)
    retrieve(other, "--gallery", images, "--query", images).refused(2, "task is ImageClassification")


def test_faiss_is_used_where_it_is_installed_and_named_where_not(monkeypatch):
    vectors = np.eye(3, dtype=np.float32)
    monkeypatch.setitem(sys.modules, "faiss", None)
    from common.errors import ConfigError, EnvironmentProblem

    with pytest.raises(EnvironmentProblem, match="pip install faiss-cpu"):
        neighbors(vectors, vectors, list("abc"), list("abc"), 1, faiss=True)

    class IndexFlatIP:
        def __init__(self, size):
            assert size == 3

        def add(self, rows):
            self.rows = rows

        def search(self, queries, count):
            return nearest_rows(queries, self.rows, count)[::-1]

    monkeypatch.setitem(sys.modules, "faiss", types.SimpleNamespace(IndexFlatIP=IndexFlatIP))
    given = (vectors, vectors, list("abc"), list("xbz"), 2)
    assert neighbors(*given, faiss=True) == neighbors(*given)
    assert neighbors(*given)[1] == [(0, 0.0), (2, 0.0)]  # b does not find itself
    with pytest.raises(ConfigError, match="of 3 and of 2 numbers"):
        neighbors(vectors, vectors[:, :2], list("abc"), list("abc"), 1)


def test_images_of_equal_size_run_together_in_their_order():
    pairs = [(number, {"image": np.zeros(size)}) for number, size in enumerate([2, 2, 3, 2])]
    assert [[number for number, _ in group] for group in by_shape(pairs)] == [[0, 1], [2], [3]]


def test_a_sheet_has_a_cell_per_image_and_no_image_is_distorted():
    wide, empty = np.zeros((10, 40, 3), np.uint8), contact_sheet([])
    sheet = contact_sheet([[(wide, "a"), (wide, "b")], [(wide, "a very long name " * 9)]], side=80)
    assert sheet.shape == (6 + 2 * 104, 6 + 2 * 86, 3) and empty.shape == (6, 6, 3)
    rows = np.flatnonzero((sheet[:104, 100:160] == 0).all((1, 2)))
    assert len(rows) == 20  # 80 x 20 pixels of 40 x 10


def test_an_index_of_another_order_is_refused(model, images, tmp_path):
    from common.errors import ConfigError
    from common.inference.retrieval import write_image_index

    paths = [str(images / f"{number}.png") for number in range(2)]
    write_image_index(tmp_path / "a.npz", np.eye(2, dtype=np.float32), paths, "m")
    assert read_image_index(tmp_path / "a.npz", "m", paths)[1] == paths
    with pytest.raises(ConfigError, match="their order"):
        read_image_index(tmp_path / "a.npz", "m", paths[::-1])
