"""Bases, `-o` and `${...}`: what the merged configuration says, and how mistakes in them are answered."""

import pytest

from common.config import load_config
from common.config.tree import plain
from common.errors import ConfigError


def refused(path, overrides=()):
    with pytest.raises(ConfigError) as caught:
        load_config(path, overrides)
    assert len(str(caught.value).splitlines()) <= 12
    return str(caught.value)


def test_mappings_merge_and_lists_replace(fake_kit, write_config):
    write_config(text="train: {epochs: 1, keep: 2}\nlabels: [a, b]\nseed: 1\n", name="_base_/one.yml")
    config = load_config(write_config(text="_base_: _base_/one.yml\ntrain: {epochs: 5}\nlabels: [c]\n"))
    assert plain(config.tree) == {"train": {"epochs": 5, "keep": 2}, "labels": ["c"], "seed": 1}


def test_a_node_whose_type_changes_is_replaced(write_config):
    write_config(text="model: {type: A, depth: 1, width: 2}\nother: {type: B, x: 1}\n", name="_base_/one.yml")
    text = "_BASE_: _base_/one.yml\nmodel: {type: C, size: 3}\nother: {type: B, y: 2}\n"
    tree = plain(load_config(write_config(text=text)).tree)
    assert tree == {"model": {"type": "C", "size": 3}, "other": {"type": "B", "x": 1, "y": 2}}


def test_later_bases_win_over_earlier_ones(write_config):
    write_config(text="a: 1\nb: 1\nc: 1\n", name="_base_/one.yml")
    write_config(text="b: 2\nc: 2\n", name="_base_/two.yml")
    config = load_config(write_config(text="_base_: [_base_/one.yml, _base_/two.yml]\nc: 3\n"))
    assert plain(config.tree) == {"a": 1, "b": 2, "c": 3}
    assert config.place("a").endswith("one.yml:1")
    assert config.place("c").endswith("changed.yml:2")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("_base_: _base_/runtim.yml\n", "changed.yml:1: the base _base_/runtim.yml does not exist"),
        ("_base_: _base_/runtim.yml\n", "did you mean 'runtime.yml'?"),
        ("_base_: changed.yml\n", "the base of this file is the file itself"),
        ("_base_: yolov3.yml\n", "yolov3.yml:2: this file is the base of"),
        ("_base_: 3\n", "takes the path of a file"),
        ("_base_: x.yml\n_BASE_: y.yml\n", "keep one"),
        ("_base_: {a: b}\n", "takes the path of a file"),
    ],
)
def test_a_wrong_base_is_refused_at_its_line(write_config, text, words):
    message = refused(write_config(text=text))
    assert words in message


def test_the_command_line_sets_values_of_every_kind(write_config):
    overrides = [
        "train.epochs=1", "optimizer.lr.base=1e-3", "model.head.strides=[1, 2]", "data.train.transforms.1.prob=0.1",
        "export.nms={score: 0.1}", "output_dir=", "device=gpu:0", "name=no", "weights=a=b",
    ]  # fmt: skip
    config = load_config(write_config(), overrides)
    assert config.get("train.epochs") == 1
    assert config.get("train.batch_size") == 8
    assert config.get("optimizer.lr.base") == 0.001
    assert config.get("model.head.strides") == [1, 2]
    assert config.get("data.train.transforms.1") == {"type": "RandomFlip", "prob": 0.1}
    assert config.get("export") == {"image_size": [608, 608], "nms": {"score": 0.1}}
    assert (config.get("output_dir"), config.get("device"), config.name) == (None, "gpu:0", "no")
    assert config.get("weights") == "a=b"
    assert config.place("train.epochs") == "-o train.epochs=1"
    assert config.place("train.batch_size").endswith("changed.yml:39")


def test_a_type_set_on_the_command_line_takes_the_keys_of_the_old_one_away(write_config):
    overrides = ["model.backbone.width=2.0", "model.backbone.type=DeepDarkNet"]
    config = load_config(write_config(), overrides)
    assert config.get("model.backbone") == {"type": "DeepDarkNet", "width": 2.0}
    assert load_config(write_config(), ["model.backbone.type=DarkNet"]).get("model.backbone.depth") == 53


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("train.epochs", "write key=value"),
        ("=5", "write key=value"),
        ("train..epochs=5", "not a path of keys"),
        ("train.epochs.x=5", "train.epochs is 270, which has nothing inside it"),
        ("data.train.transforms.7.prob=1", "has 3 items, 0 to 2; there is no 7"),
        ("data.train.transforms.size=1", "is a list of 3; after it comes a number"),
        ("model.head.anchors.0=1", "model.head.anchors is ${anchors}; set anchors instead"),
        ("train.epochs=[1", "not YAML"),
        ("train.epochs=!!python/name:os.system", "not allowed"),
        ("train={a: 1, a: 2}", "written twice"),
    ],
)
def test_a_wrong_override_is_refused_by_its_text(write_config, override, words):
    message = refused(write_config(), [override])
    assert message.startswith(f"-o {override}: ")
    assert words in message


def test_references_keep_their_type_and_fill_texts(write_config):
    text = (
        "n: 3\nx: ${n}\nlist: [1, {k: 2}]\ny: ${list.1.k}\nz: ${list}\nchain: ${x}\n"
        "path: a/${n}/${flag}-${none}\nflag: true\nnone: null\nkept: $${n}\n"
    )
    tree = plain(load_config(write_config(text=text)).tree)
    assert (tree["x"], tree["y"], tree["z"], tree["chain"]) == (3, 2, [1, {"k": 2}], 3)
    assert (tree["path"], tree["kept"]) == ("a/3/true-null", "${n}")


def test_what_a_reference_brings_keeps_its_own_place(write_config):
    config = load_config(write_config(text="part: {type: DarkNet, dpeth: 3}\nmodel: ${part}\n"))
    with pytest.raises(ConfigError, match=r"changed.yml:1: DarkNet has no key 'dpeth'"):
        config.check()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: ${b}\nb: ${a}\n", "refers to itself: b -> a -> b"),
        ("a: ${a}\n", "refers to itself: a -> a"),
        ("a: {b: '${a}'}\n", "refers to itself"),
        ("a: x${a}\n", "refers to itself"),
        ("anchors: 1\na: ${anchor}\n", "changed.yml:2: ${anchor}: there is no 'anchor'; did you mean 'anchors'?"),
        ("a: {b: 1}\nc: ${a.d}\n", "there is no 'd' in a"),
        ("a: [1]\nc: ${a.1}\n", "there is no '1' in a"),
        ("a: [1]\nc: x${a}\n", "is a list; inside a text it must be one value"),
        ("a: ${}\n", "there is no ''"),
    ],
)
def test_wrong_references_are_refused(write_config, text, words):
    assert words in refused(write_config(text=text))


def test_a_bomb_of_references_is_refused(write_config):
    tens = [", ".join([f'"${{a{i}}}"'] * 10) for i in range(9)]
    lists = "a0: [x, x, x, x, x, x, x, x, x, x]\n" + "".join(f"a{i}: [{ten}]\n" for i, ten in enumerate(tens, 1))
    assert "multiply to over" in refused(write_config(text=lists))
    tens = [f"${{a{i}}}" * 10 for i in range(9)]
    texts = "a0: xxxxxxxxxxxxxxxxxxxx\n" + "".join(f"a{i}: {ten}\n" for i, ten in enumerate(tens, 1))
    assert "multiply to over" in refused(write_config(text=texts))


def test_reading_a_value_that_is_not_there_gives_the_default_of_the_settings(write_config):
    config = load_config(write_config(text="model: {type: DarkNet}\n"))
    assert config.get("seed") == 0
    assert config.get("labels") is None
    assert config.get("train.workers") == 2
    assert config.get("data.train", "nothing") == "nothing"
    assert config.get("data.train") is None


def test_evaluation_takes_from_training_what_it_does_not_say(write_config):
    config = load_config(write_config(), ["eval.workers=0"])
    settings = config.settings("eval")
    assert (settings.batch_size, settings.workers) == (8, 0)
    assert config.settings("train").amp is False
    assert load_config(write_config(), ["train.amp=true"]).settings("train").amp == "O1"
    with pytest.raises(ConfigError, match="train needs epochs"):
        load_config(write_config(text="train: {batch_size: 1}\n")).settings("train")


def test_labels_may_be_a_file_with_a_name_a_line(write_config, tmp_path):
    (tmp_path / "names.txt").write_text("cat\ndog \n", encoding="utf-8")
    config = load_config(write_config(text="a: 1\n"), [f"labels={tmp_path / 'names.txt'}"])
    assert config.get("labels") == ["cat", "dog"]
    assert "labels is 'other.txt': no such file" in refused(write_config(text="a: 1\nlabels: other.txt\n"))
