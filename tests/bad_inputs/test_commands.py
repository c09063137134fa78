"""Options that would be ignored, and files that are not what their names say: refused with one message."""

import os

import pytest

from tests.commands import command
from tests.reliability.training_runs import KIT

CONFIG = KIT / "configs/tiny.yml"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a run of one step."""
    place = tmp_path_factory.mktemp("run")
    given = [f"output_dir={place}", "train.workers=0", "train.max_steps=1"]
    assert command("train", "-c", CONFIG, "--no-check", "-o", *given).code == 0
    return place / "tiny"


@pytest.mark.parametrize(
    ("tool", "options", "words"),
    [
        ("infer", ["--model", "somewhere", "-o", "train.batch_size=2"], ["-o", "no configuration"]),
        ("infer", ["--model", "somewhere", "--print-config"], ["--print-config", "no configuration"]),
        ("infer", ["-c", CONFIG, "--weights", "somewhere", "--engine", "openvino"], ["--engine", "--model"]),
        ("infer", ["-c", CONFIG, "--weights", "somewhere", "--threads", "2"], ["--threads", "KIT_THREADS"]),
        ("eval", ["-c", CONFIG, "--weights", "somewhere", "--engine", "openvino"], ["--engine", "--model"]),
        ("eval", ["-c", CONFIG, "--weights", "somewhere", "--model", "elsewhere"], ["--weights or --model"]),
        ("train", ["-c", CONFIG, "-r", "auto", "--overwrite"], ["-r", "--overwrite", "one of them"]),
    ],
)
def test_an_option_that_would_be_ignored_is_refused(tool, options, words):
    command(tool, *options).refused(2, *words)


@pytest.mark.parametrize("text", ["", "a/b", "step_1\n", "../run"])
def test_a_file_called_last_that_names_no_checkpoint_is_refused(tmp_path, text):
    (tmp_path / "last").write_text(text)
    command("train", "-c", CONFIG, "-r", tmp_path / "last", "-o", f"output_dir={tmp_path}").refused(2, "last")


def test_labels_come_from_a_text_file_with_or_without_blank_lines_at_its_end(tmp_path):
    file, given = tmp_path / "labels.txt", ["-o", f"output_dir={tmp_path}", f"labels={tmp_path / 'labels.txt'}"]
    file.write_bytes("暗\n灰\n亮\n".encode("gbk"))
    command("train", "-c", CONFIG, *given).refused(2, "labels.txt", "UTF-8")
    file.write_text("dark\ngrey\nbright\n\n \n")
    assert "labels: [dark, grey, bright]" in command("train", "-c", CONFIG, *given, "--print-config").out


def test_an_export_goes_where_a_link_leads_and_not_into_the_current_folder(run, tmp_path, monkeypatch):
    given = ["-c", CONFIG, "--weights", run / "last"]
    monkeypatch.chdir(tmp_path)
    command("export", *given, "--out", ".").refused(2, "choose another --out")
    os.mkdir("real")
    os.symlink("real", "link")
    for _ in range(2):
        answer = command("export", *given, "--out", "link")
        assert answer.code == 0, answer.err
    assert os.readlink("link") == "real" and os.path.isfile("real/infer.yml")
    assert sorted(os.listdir()) == ["link", "real"]
