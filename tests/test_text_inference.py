"""End-to-end tests of text inference, by a checkpoint and by a self-contained export."""

import dataclasses
import json
import pathlib
import shutil

import pytest
import yaml

from tests.made.commands import command


@dataclasses.dataclass
class Trained:
    config: str
    overrides: list
    weights: pathlib.Path
    export: pathlib.Path


QUICK, SLOW = ("words", "lexical", "reading"), ("pairs", "entities")


@pytest.fixture(scope="module", params=[*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
def trained(request, made_sets, tmp_path_factory):
    """A tiny twin after a few steps, exported."""
    name, folder = request.param, tmp_path_factory.mktemp(request.param)
    data = folder / "data"
    shutil.copytree(made_sets.folder("texts"), data)
    given = [f"dataset={data}", f"output_dir={folder}", "train.max_steps=3"]
    config = f"PaddleNLP/configs/tiny/{name}.yml"
    for tool, more in (("train", ["--eval"]), ("eval", []), ("export", [])):
        weights = [] if tool == "train" else [f"weights={folder / 'tiny' / name / 'best'}"]
        done = command(tool, "-c", config, *more, "-o", *given, *weights)
        assert done.code == 0, done.err
    return Trained(config, given, folder / "tiny" / name / "best", folder / "tiny" / name / "export")


TEXTS = {
    "TextClassification": "the book was great\n\nthe room was awful\tthe meal was fine\n",
    "SequenceLabeling": "ann went to paris\n\nbob dora went to oslo\n",
    "ReadingComprehension": 'who went ?\tann went to rome\n\n{"question": "where ?", "context": "bob went to lima"}\n',
}


def test_a_checkpoint_and_its_export_predict_the_same_from_raw_text(trained, tmp_path):
    about = yaml.safe_load((trained.export / "infer.yml").read_text(encoding="utf-8"))
    moved = shutil.move(trained.export, tmp_path / "elsewhere")  # the vocabulary goes with it
    data = pathlib.Path(trained.overrides[0].removeprefix("dataset="))
    lines = TEXTS[about["task"]].replace("\t", " " if "words" in trained.config else "\t").encode()
    in_memory = command(
        "infer", "-c", trained.config, "-o", *trained.overrides, f"weights={trained.weights}", "--json", stdin=lines
    )
    hidden = data.rename(data.with_name("hidden"))
    try:
        exported = command("infer", "--model", moved, "--json", stdin=lines)
        printed = command("infer", "--model", moved, "--batch", 1, stdin=lines)
        unread = command("infer", "--model", moved, "--input", data / "words.txt")
    finally:
        hidden.rename(data)
        shutil.move(moved, trained.export)
    assert in_memory.code == exported.code == 0, in_memory.err + exported.err
    ours, theirs = ([json.loads(row) for row in found.out.splitlines()] for found in (in_memory, exported))
    assert len(ours) == len(theirs) == 3 and theirs[1]["predictions"] == []
    for a, b in zip(ours, theirs):
        strip = [[{k: v for k, v in record.items() if k != "score"} for record in row["predictions"]] for row in (a, b)]
        assert strip[0][:1] == strip[1][:1] and set(a) == set(b)
        assert [r["score"] for r in a["predictions"][:1] if "score" in r] == pytest.approx(
            [r["score"] for r in b["predictions"][:1] if "score" in r], abs=1e-3
        )
    assert len(printed.out.splitlines()) == 3 and printed.out.splitlines()[1] == ""
    unread.refused(3, "words.txt", "no such file")


def test_the_files_that_an_export_carries_are_in_its_manifest_and_named_relatively(trained):
    about = yaml.safe_load((trained.export / "infer.yml").read_text(encoding="utf-8"))
    carried = [entry["vocab"] for entry in about["preprocess"] if entry.get("vocab")]
    assert carried and all("/" not in name and (trained.export / name).is_file() for name in carried)
    manifest = json.loads((trained.export / "manifest.json").read_text())
    assert set(carried) <= set(manifest["files"])
    vocabulary = trained.export / carried[0]
    text = vocabulary.read_text()
    vocabulary.write_text(text + "more\n")
    try:
        command("infer", "--model", trained.export, "--text", "a\tb").refused(4, carried[0])
    finally:
        vocabulary.write_text(text)


def test_invalid_texts_are_rejected_and_blank_ones_kept(trained, tmp_path):
    (tmp_path / "latin.txt").write_bytes("fine\nna\xefve\n".encode("latin-1"))
    command("infer", "--model", trained.export, "--input", tmp_path / "latin.txt").refused(3, "line 2, byte 3", "0xef")
    command("infer", "--model", trained.export, stdin=b"a\tb\nna\xefve\tb\n").refused(
        3, "standard input", "line 2, byte 3"
    )
    command("infer", "--model", trained.export, "--text", "x", "--input", "y").refused(2, "either --input or --text")
    command("infer", "--model", trained.export, "--text", "x\ty", "--out", tmp_path).refused(2, "--out draws on images")
    one_text = "words" in trained.config or "lexical" in trained.config
    between = b" " if one_text else b"\t"
    if one_text:
        command("infer", "--model", trained.export, "--text", "a\tb").refused(3, "--text", "reads one text")
    controls = command("infer", "--model", trained.export, stdin=b"\xef\xbb\xbfa\x00b" + between + b"c\r\n")
    assert controls.code == 0 and "control characters" in controls.err and len(controls.out.splitlines()) == 1
    emoji = command(
        "infer", "--model", trained.export, stdin="😀\u200b".encode() + between + "\u05e9\u05dc 😀\n".encode()
    )
    assert emoji.code == 0, emoji.err


def test_one_bad_row_costs_only_its_own_answer(trained, tmp_path):
    """The others are answered as without it, in their lines; the file may name its columns."""
    good = TEXTS[yaml.safe_load((trained.export / "infer.yml").read_text(encoding="utf-8"))["task"]].splitlines()
    good = [line.replace("\t", " ") if "words" in trained.config else line for line in (good[0], good[2])] * 2
    rows = [line.encode() for line in good]
    (tmp_path / "good.txt").write_bytes(b"\n".join(rows))
    (tmp_path / "bad.txt").write_bytes(b"\n".join([rows[0], b"na\xefve\tb", *rows[1:]]))
    right = command("infer", "--model", trained.export, "--json", "--input", tmp_path / "good.txt")
    for given in ({"stdin": (tmp_path / "bad.txt").read_bytes()}, {"path": tmp_path / "bad.txt"}):
        where = ["--input", given.pop("path")] if "path" in given else []
        found = command("infer", "--model", trained.export, "--json", *where, **given)
        lines = found.out.splitlines()
        assert lines[:1] + lines[2:] == right.out.splitlines() and right.code == 0
        assert "line 2, byte 3" in json.loads(lines[1])["error"]
        found.refused(3, "line 2, byte 3", "1 of 5 texts could not be read")
    printed = command("infer", "--model", trained.export, stdin=(tmp_path / "bad.txt").read_bytes()).out.splitlines()
    assert len(printed) == 5 and printed[1] == ""


def test_an_empty_stream_of_texts_is_refused(trained):
    command("infer", "--model", trained.export, stdin=b"").refused(3, "no text was found")
