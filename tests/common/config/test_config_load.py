"""Bases, `-o` and `${...}`: what the merged configuration says, and how mistakes in them are answered."""

from pathlib import Path

import pytest

from common.config import load_config
from common.config.kits import ROOT
from common.config.tree import to_plain
from common.errors import ConfigError


def refused(path, overrides=()):
    with pytest.raises(ConfigError) as caught:
        load_config(path, overrides)
    assert len(str(caught.value).splitlines()) <= 12
    return str(caught.value)


def test_mappings_merge_and_lists_replace(fake_kit, write_config):
    write_config(text="train: {epochs: 1, keep: 2}\nlabels: [a, b]\nseed: 1\n", name="_base_/one.yml")
    config = load_config(write_config(text="_base_: _base_/one.yml\ntrain: {epochs: 5}\nlabels: [c]\n"))
    assert to_plain(config.tree) == {"train": {"epochs": 5, "keep": 2}, "labels": ["c"], "seed": 1}


def test_a_node_whose_type_changes_is_replaced(write_config):
    write_config(text="model: {type: A, depth: 1, width: 2}\nother: {type: B, x: 1}\n", name="_base_/one.yml")
    text = "_BASE_: _base_/one.yml\nmodel: {type: C, size: 3}\nother: {type: B, y: 2}\n"
    tree = to_plain(load_config(write_config(text=text)).tree)
    assert tree == {"model": {"type": "C", "size": 3}, "other": {"type": "B", "x": 1, "y": 2}}


def test_later_bases_win_over_earlier_ones(write_config):
    write_config(text="a: 1\nb: 1\nc: 1\n", name="_base_/one.yml")
    write_config(text="b: 2\nc: 2\n", name="_base_/two.yml")
    config = load_config(write_config(text="_base_: [_base_/one.yml, _base_/two.yml]\nc: 3\n"))
    assert to_plain(config.tree) == {"a": 1, "b": 2, "c": 3}
    assert config.place("a").endswith("one.yml:1")
    assert config.place("c").endswith("changed.yml:2")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("_base_: _base_/runtim.yml\n", "changed.yml:1: the base _base_/runtim.yml does not exist"),
        ("_base_: _base_/runtim.yml\n", "did you mean 'runtime.yml'?"),
        ("_base_: configs/yolov33.yml\n", "does not exist in"),
        ("_base_: configs/yolov33.yml\n", "did you mean configs/yolov3.yml"),
        ("_base_: changed.yml\n", "changed.yml:1: the bases form a circle"),
        ("_base_: ''\n", "does not exist"),
        ("_base_: 3\n", "takes the path of a file"),
        ("_base_: x.yml\n_BASE_: y.yml\n", "keep one"),
        ("_base_: {a: b}\n", "takes the path of a file"),
    ],
)
def test_a_wrong_base_is_refused_at_its_line(write_config, text, words):
    message = refused(write_config(text=text))
    assert words in message


def test_a_base_may_have_bases_and_every_key_keeps_its_place(write_config):
    write_config(text="a: 1\nb: 1\nc: 1\nmodel: {type: A, depth: 1, width: 1}\nrow: [1, 2]\n", name="_base_/one.yml")
    write_config(text="_base_: _base_/one.yml\nb: 2\nc: 2\nmodel:\n  depth: 2\n", name="two.yml")
    config = load_config(
        write_config(text="_base_: ../two.yml\nc: 3\nmodel: {width: 3}\nrow: [3]\n", name="deep/three.yml")
    )
    model = {"type": "A", "depth": 2, "width": 3}
    assert to_plain(config.tree) == {"a": 1, "b": 2, "c": 3, "model": model, "row": [3]}
    places = {
        "a": "one.yml:1",
        "b": "two.yml:2",
        "c": "three.yml:2",
        "model.depth": "two.yml:5",
        "model.width": "three.yml:3",
    }
    assert {path: config.place(path).rpartition("/")[2] for path in places} == places


def test_a_type_that_changes_in_the_middle_of_a_chain_drops_what_lies_below(write_config):
    write_config(text="model: {type: A, depth: 1}\n", name="one.yml")
    write_config(text="_base_: one.yml\nmodel: {type: B, width: 2}\n", name="two.yml")
    tree = to_plain(load_config(write_config(text="_base_: two.yml\nmodel: {width: 3}\n")).tree)
    assert tree == {"model": {"type": "B", "width": 3}}


def test_circular_bases_are_rejected_with_the_chain_of_files(write_config):
    write_config(text="seed: 1\n_base_: two.yml\n", name="one.yml")
    write_config(text="_base_: [_base_/runtime.yml, one.yml]\n", name="two.yml")
    path = write_config(text="_base_: one.yml\n")
    kit = path.parents[1].name
    circle = " -> ".join(f"{kit}/configs/{name}.yml" for name in ("one", "two", "one"))
    assert refused(path) == f"{kit}/configs/two.yml:1: the bases form a circle: {circle}"


def test_a_shared_base_is_not_circular(write_config):
    for name in ("one", "two"):
        write_config(text=f"_base_: _base_/runtime.yml\n{name}: 1\n", name=f"{name}.yml")
    tree = to_plain(load_config(write_config(text="_base_: [one.yml, two.yml]\n")).tree)
    assert tree == {"seed": 0, "output_dir": "output", "log_every": 20, "one": 1, "two": 1}


def test_a_base_that_is_not_beside_the_file_is_found_as_c_finds_it_but_not_from_the_current_folder(
    fake_kit, write_config, tmp_path, monkeypatch
):
    write_config(text="seed: 7\n", name="task/seven.yml")
    own = tmp_path / "mine/mine.yml"
    own.parent.mkdir()
    own.write_text(f"kit: {fake_kit}\n_base_: configs/seven.yml\n")
    assert load_config(own).get("seed") == 7
    own.write_text("_base_: configs/seven.yml\n")
    assert load_config(own, default_kit=fake_kit).get("seed") == 7
    monkeypatch.chdir(fake_kit)
    assert "the base configs/seven.yml does not exist in" in refused(own)
    (own.parent / "configs").mkdir()
    (own.parent / "configs/seven.yml").write_text("seed: 8\n")
    assert load_config(own, default_kit=fake_kit).get("seed") == 8, "what is beside the file comes first"
    within = write_config(text="_base_: configs/seven.yml\n", name="other/within.yml")
    assert load_config(within).get("seed") == 7, "a file in a kit finds its kit's"


def test_an_ambiguous_base_is_rejected_at_its_line(write_config):
    for task in ("one", "two"):
        write_config(text="seed: 7\n", name=f"{task}/seven.yml")
    message = refused(write_config(text="seed: 1\n_base_: seven.yml\n"))
    assert "changed.yml:2: the base seven.yml: the name is ambiguous" in message
    assert "configs/one/seven.yml" in message and "configs/two/seven.yml" in message


def test_a_configuration_of_five_lines_outside_every_kit_is_complete(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = ["kit: PaddleCV", "_base_: configs/yolov3.yml", "labels: [cat, dog]", "data: {train: {root: mine}}"]
    (tmp_path / "cats.yml").write_text("\n".join([*lines, "train: {epochs: 12}"]))
    config = load_config("cats.yml")
    config.check()
    assert (config.name, config.run_folder, config.kit) == ("cats", Path("output/cats"), ROOT / "PaddleCV")
    assert config.get("train.epochs") == 12 and config.get("data.train.root") == "mine"
    assert config.place("optimizer.lr").startswith(f"{ROOT}/PaddleCV/configs/_base_/detection/yolov3_coco.yml:")
    (tmp_path / "completed.yml").write_text(config.dump())
    again = load_config("completed.yml")
    again.check()
    assert again.to_dict() == config.to_dict()


def test_the_kit_of_a_base_is_that_of_a_configuration_which_names_none(tmp_path, fake_kit):
    (tmp_path / "mine.yml").write_text(f"_base_: {fake_kit}/configs/yolov3.yml\n")
    assert load_config(tmp_path / "mine.yml").kit == fake_kit


def test_a_method_of_a_base_stays_that_of_the_kit_it_was_written_in(tmp_path, fake_kit):
    methods = tmp_path / "MySlim"
    (methods / "models").mkdir(parents=True)
    (methods / "configs").mkdir()
    (methods / "configs/prune.yml").write_text(f"_base_: {fake_kit}/configs/yolov3.yml\nslim: {{type: Prune}}\n")
    (tmp_path / "mine.yml").write_text("_base_: MySlim/configs/prune.yml\nseed: 3\n")
    for file in (methods / "configs/prune.yml", tmp_path / "mine.yml"):
        config = load_config(file)
        assert (config.kit, config.get("slim.kit")) == (fake_kit, str(methods))


# Where a run goes -----------------------------------------------------------------------------------------------------


def test_a_tiny_configuration_has_another_output_folder_than_the_full_size_one(write_config):
    full, tiny = write_config(text="seed: 1\n"), write_config(text="seed: 1\n", name="tiny/task/changed.yml")
    assert load_config(full).run_folder == Path("output/changed")
    assert load_config(tiny).run_folder == Path("output/tiny/changed")
    assert load_config(tiny, ["name=mine"]).run_folder == Path("output/tiny/mine")
    assert load_config(tiny, ["output_dir=/runs"]).run_folder == Path("/runs/tiny/changed")
    assert load_config(tiny, ["output_dir=/runs/tiny/search"]).run_folder == Path("/runs/tiny/search/changed")
    assert load_config(write_config(text="_base_: tiny/task/changed.yml\n")).run_folder == Path("output/changed")
    assert load_config(write_config(text="seed: 1\n", name="tiny.yml")).run_folder == Path("output/tiny")


def test_a_completed_tiny_configuration_writes_to_the_same_folder_wherever_it_lies(write_config, tmp_path):
    config = load_config(write_config(name="tiny/task/changed.yml", text="_base_: ../../yolov3.yml\n"))
    (tmp_path / "config.yml").write_text(config.dump())
    within = write_config(text=config.dump(), name="tiny/task/again.yml")
    for file in (tmp_path / "config.yml", within):
        assert load_config(file).run_folder == config.run_folder == Path("output/tiny/changed")


# The command line -----------------------------------------------------------------------------------------------------


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


def test_a_type_override_removes_the_keys_of_the_old_type(write_config):
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
        ("data.train.transforms.size=1", "is a list of 3 items; index it by a number"),
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


def test_references_keep_their_type_and_expand_in_strings(write_config):
    text = (
        "n: 3\nx: ${n}\nlist: [1, {k: 2}]\ny: ${list.1.k}\nz: ${list}\nchain: ${x}\n"
        "path: a/${n}/${flag}-${none}\nflag: true\nnone: null\nkept: $${n}\n"
    )
    tree = to_plain(load_config(write_config(text=text)).tree)
    assert (tree["x"], tree["y"], tree["z"], tree["chain"]) == (3, 2, [1, {"k": 2}], 3)
    assert (tree["path"], tree["kept"]) == ("a/3/true-null", "${n}")


def test_referenced_values_keep_their_place(write_config):
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
        ("a: [1]\nc: x${a}\n", "is a list; inside a string it must be a scalar"),
        ("a: ${}\n", "there is no ''"),
    ],
)
def test_wrong_references_are_refused(write_config, text, words):
    assert words in refused(write_config(text=text))


def test_exponential_expansion_of_references_is_rejected(write_config):
    tens = [", ".join([f'"${{a{i}}}"'] * 10) for i in range(9)]
    lists = "a0: [x, x, x, x, x, x, x, x, x, x]\n" + "".join(f"a{i}: [{ten}]\n" for i, ten in enumerate(tens, 1))
    assert "expand to more than" in refused(write_config(text=lists))
    tens = [f"${{a{i}}}" * 10 for i in range(9)]
    texts = "a0: xxxxxxxxxxxxxxxxxxxx\n" + "".join(f"a{i}: {ten}\n" for i, ten in enumerate(tens, 1))
    assert "expand to more than" in refused(write_config(text=texts))


def test_get_of_an_absent_key_returns_the_default_of_its_section(write_config):
    config = load_config(write_config(text="model: {type: DarkNet}\n"))
    assert config.get("seed") == 0
    assert config.get("labels") is None
    assert config.get("train.workers") == 2
    assert config.get("data.train", "nothing") == "nothing"
    assert config.get("data.train") is None


def test_evaluation_inherits_absent_keys_from_training(write_config):
    config = load_config(write_config(), ["eval.workers=0"])
    settings = config.settings("eval")
    assert (settings.batch_size, settings.workers) == (8, 0)
    assert config.settings("train").amp is False
    assert load_config(write_config(), ["train.amp=true"]).settings("train").amp == "O1"
    with pytest.raises(ConfigError, match="train needs epochs"):
        load_config(write_config(text="train: {batch_size: 1}\n")).settings("train")


def test_labels_may_be_a_file_with_one_name_per_line(write_config, tmp_path):
    (tmp_path / "names.txt").write_text("cat\ndog \n", encoding="utf-8")
    config = load_config(write_config(text="a: 1\n"), [f"labels={tmp_path / 'names.txt'}"])
    assert config.get("labels") == ["cat", "dog"]
    assert "labels is 'other.txt': no such file" in refused(write_config(text="a: 1\nlabels: other.txt\n"))


def test_labels_that_a_base_names_are_found_in_its_kit(write_config, fake_kit, tmp_path):
    (fake_kit / "names.txt").write_text("cat\ndog\n", encoding="utf-8")
    base = write_config(text="labels: names.txt\n")
    (tmp_path / "mine.yml").write_text(f"_base_: {base}\n")
    assert load_config(tmp_path / "mine.yml").get("labels") == ["cat", "dog"]
