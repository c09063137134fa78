"""Weights know the classes and the files that they were trained with, and every command compares."""

import json
import shutil

import pytest
import yaml

from common.build.learned_files import (
    RECORD,
    adopt_files,
    check_teacher_files,
    check_unchanged,
    collect_files,
    number_roles,
)
from common.config import load_config
from common.errors import ConfigError
from PaddleNLP.tools.make_texts import make_texts
from tests.made.commands import command

WORDS = "PaddleNLP/configs/tiny/words.yml"
TEXT = "the hotel was very awful"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """(arguments of commands, folder) of a text classifier trained on made texts and exported."""
    folder = tmp_path_factory.mktemp("known")
    make_texts(folder / "data", train=200, evaluation=40)
    given = ["-c", WORDS, "-o", f"dataset={folder / 'data'}", f"output_dir={folder}", "train.epochs=4"]
    assert command("train", "--eval", *given).code == 0
    assert command("export", *given, f"weights={folder / 'tiny/words/best'}").code == 0
    words = (folder / "data/words.txt").read_text().splitlines()
    (folder / "data/other.txt").write_text("\n".join([words[0], *reversed(words[1:])]) + "\n")
    return given, folder


def accuracy(answer):
    """The accuracy that `eval --json` printed."""
    assert answer.code == 0, answer.err
    return json.loads(answer.out)["accuracy"]


def weights(folder):
    return f"weights={folder / 'tiny/words/best'}"


@pytest.mark.parametrize("how", ["another file", "the file changed", "the file is gone"])
def test_a_vocabulary_that_differs_is_replaced_by_the_one_of_the_weights(trained, how):
    given, folder = trained
    vocab, other, kept = folder / "data/words.txt", folder / "data/other.txt", folder / "kept.txt"
    expected = accuracy(command("eval", "--json", *given, weights(folder)))
    assert expected > 0.9
    said = command("infer", "--json", *given, weights(folder), "--text", TEXT)
    shutil.copy(vocab, kept)
    try:
        if how == "another file":
            given = [*given, f"vocab={other}"]
        elif how == "the file changed":
            shutil.copy(other, vocab)
        else:
            vocab.unlink()
        for answer in (
            command("eval", "--json", *given, weights(folder)),
            command("eval", "--json", *given, "--model", folder / "tiny/words/export"),
        ):
            assert accuracy(answer) == expected
            assert ("is used instead" in answer.err) == (how != "the file is gone")
        assert command("infer", "--json", *given, weights(folder), "--text", TEXT).out == said.out
        again = command("export", *given, weights(folder), "--out", folder / "again")
        assert again.code == 0, again.err
        about = yaml.safe_load((folder / "again/infer.yml").read_text())
        assert (folder / "again" / about["preprocess"][1]["vocab"]).read_bytes() == kept.read_bytes()
    finally:
        shutil.copy(kept, vocab)


def test_a_run_does_not_go_on_with_another_vocabulary(trained):
    given, folder = trained
    resumed = command("train", *given, "-r", "auto", "-o", "train.epochs=5", f"vocab={folder / 'data/other.txt'}")
    resumed.refused(2, "other.txt", "words.txt", "TokenIds.vocab")


@pytest.mark.parametrize("how", ["resume", "pretrained"])
def test_a_training_that_starts_from_weights_of_another_casing_is_reported(trained, tmp_path, how):
    given, folder = trained
    shutil.copytree(folder / "tiny", tmp_path / "tiny", symlinks=True)
    changed = [f"data.{split}.transforms.1.lowercase=true" for split in ("train", "eval")]
    start = (
        ["train.max_steps=1"] if how == "resume" else ["train.max_steps=1", f"pretrained={folder / 'tiny/words/best'}"]
    )
    more = [f"output_dir={tmp_path if how == 'resume' else tmp_path / 'new'}", *start, *changed]
    answer = command("train", *(["-r", "auto"] if how == "resume" else []), *given, *more)
    assert answer.code == 0, answer.err
    assert "data.train has TokenIds with lowercase: True, training had False" in answer.err


def test_pretrained_weights_of_another_vocabulary_are_reported(trained, tmp_path):
    given, folder = trained
    more = [f"vocab={folder / 'data/other.txt'}", f"pretrained={folder / 'tiny/words/best'}", "train.max_steps=1"]
    answer = command("train", *given, *more, f"output_dir={tmp_path}")
    assert answer.code == 0 and "ids have another meaning" in answer.err, answer.err


def test_a_teacher_has_the_vocabulary_of_its_student(trained):
    given, folder = trained
    teacher = load_config(WORDS, [weights(folder)])
    student = load_config(WORDS, [*given[3:], f"vocab={folder / 'data/other.txt'}"])
    with pytest.raises(ConfigError, match=r"trained with .*words\.txt.*its student has .*other\.txt"):
        check_teacher_files(teacher, student)
    check_teacher_files(teacher, load_config(WORDS, given[3:]))


@pytest.mark.parametrize("by", ["weights", "export"])
def test_other_class_names_are_refused_and_some_of_them_are_numbered_as_in_training(trained, tmp_path, by):
    given, folder = trained
    lines = (folder / "data/labeled.eval.tsv").read_text().splitlines()
    ones = [line for line in lines[1:] if line.startswith("1\t")]
    (folder / "data/ones.tsv").write_text("\n".join([lines[0], *ones]) + "\n")
    names = {"0": "sad", "1": "happy"}
    (folder / "data/moods.tsv").write_text(
        "\n".join([lines[0], *(names[line[0]] + line[1:] for line in lines[1:])]) + "\n"
    )
    which = [weights(folder)] if by == "weights" else ["--model", folder / "tiny/words/export"]
    subset = command("eval", "--json", *given, "data.eval.file=ones.tsv", *which)
    assert accuracy(subset) > 0.9 and "are numbered as in" in subset.err
    answer = command("eval", *given, "data.eval.file=moods.tsv", *which)
    answer.refused(2, "['0', '1']", "['happy', 'sad']", "labels: ['0', '1']")


@pytest.mark.parametrize("command_name", ["train", "check"])
def test_the_classes_of_the_evaluation_data_are_those_of_training(trained, command_name):
    given, folder = trained
    lines = (folder / "data/labeled.eval.tsv").read_text().splitlines()
    (folder / "data/three.tsv").write_text("\n".join([*lines, "2\tthe room was fine"]) + "\n")
    more = ["--eval", "--overwrite"] if command_name == "train" else []
    answer = command(command_name, *given, "data.eval.file=three.tsv", *more)
    answer.refused(2, "['0', '1']", "['0', '1', '2']", "labels: ['0', '1']")


@pytest.mark.parametrize("tool", ["infer", "export", "train", "resume"])
def test_labels_of_the_configuration_that_the_weights_do_not_know_are_refused(trained, tmp_path, tool):
    given, folder = trained
    more = {"infer": ["--text", TEXT], "train": ["--overwrite"], "resume": ["-r", "auto"]}.get(tool, [])
    start = [] if tool == "resume" else [weights(folder)]
    answer = command("train" if tool == "resume" else tool, *given, *start, "labels=['1','0']", "train.epochs=5", *more)
    answer.refused(2, "['0', '1']", "['1', '0']")


def test_pretrained_weights_of_as_many_other_classes_are_reported(trained, tmp_path):
    given, folder = trained
    more = ["labels=['1','0']", f"pretrained={folder / 'tiny/words/best'}", "train.max_steps=1"]
    answer = command("train", *given, *more, f"output_dir={tmp_path}")
    assert answer.code == 0 and "belong to other classes" in answer.err, answer.err


def test_files_of_the_same_name_are_all_kept(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "v.txt").write_text(f"[UNK]\n{name}\n")
    nodes = [{"type": "TokenIds", "vocab": str(tmp_path / name / "v.txt"), "max_length": 4} for name in "aba"]
    config = load_config(WORDS)
    config.set("data.train.transforms", nodes)
    kept = collect_files(config)
    record = json.loads(kept[RECORD])
    assert set(record) == {"TokenIds.vocab", "TokenIds.vocab#2", "TokenIds.vocab#3"}
    assert [kept[entry["name"]].decode()[6:7] for entry in record.values()] == list("aba")
    run = tmp_path / "step_1"
    run.mkdir()
    for name, content in kept.items():
        (run / name).write_bytes(content)
    (run / "manifest.json").write_text("{}")
    config.set("data.train.transforms", nodes[::-1][:2])
    adopt_files(config, run)
    assert [config.get(f"data.train.transforms.{k}.vocab") for k in (0, 1)] == [nodes[0]["vocab"], nodes[1]["vocab"]]
    config.set("data.train.transforms", nodes[1:2])
    adopt_files(config, run)
    assert config.get("data.train.transforms.0.vocab") == str(run / "v.txt")


def test_a_language_model_that_is_left_out_is_reported_and_a_transform_s_file_is_refused(trained, tmp_path, caplog):
    given, _ = trained
    config = load_config(WORDS, given[3:])
    record = json.loads(collect_files(config)[RECORD])
    record["BeamSearch.lm"] = {"path": "words.arpa", "sha256": "0" * 64}
    (tmp_path / RECORD).write_text(json.dumps(record))
    check_unchanged(config, tmp_path)
    assert "was trained with words.arpa (BeamSearch.lm), this configuration has none" in caplog.text
    record["BeamSearch.lm"]["name"] = "words.arpa"
    (tmp_path / RECORD).write_text(json.dumps(record))
    with pytest.raises(ConfigError, match=r"has a file for BeamSearch\.lm.*\n  fix: restore the transforms"):
        check_unchanged(config, tmp_path)


def test_roles_are_numbered_in_order():
    assert number_roles([("A.x", 1), ("B.x", 2), ("A.x", 3)]) == {"A.x": (1,), "B.x": (2,), "A.x#2": (3,)}
