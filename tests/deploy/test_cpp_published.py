"""Published rankers in C++: the rows and the answers of Python, and new versions while a program runs."""

import shutil
import subprocess

import numpy as np
import pytest

from common.inference.predictor import Predictor
from common.system import runtime
from common.table.keyed_rows import HEADER_SIZE, KeyedRows, write_keyed_rows
from common.table.versions import publish
from PaddleRec.models.rankers.slot_dnn import SlotDNN
from tests.made.published import published_ranker

RNG = np.random.default_rng(5)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_the_rows_of_keys_are_those_of_python(program, tmp_path, dtype):
    keys = RNG.integers(0, 2**64, 700, dtype=np.uint64)
    rows = RNG.normal(size=(700, 5)).astype(np.float32)
    rows[0] = [0.0, -0.0, 6e-8, -3e-5, 65504.0]  # zeros, subnormal numbers and the largest of float16
    write_keyed_rows(tmp_path / "a.rows", [(keys, rows)], np.arange(5), dtype)
    asked = np.concatenate([keys, RNG.integers(0, 2**64, 33, dtype=np.uint64)])
    np.save(tmp_path / "keys.npy", asked.view(np.int64))
    answer = program(tmp_path / "a.rows", tmp_path / "keys.npy", tmp_path / "rows.npy", name="kit_rows")
    assert answer.code == 0, answer.err
    np.testing.assert_array_equal(np.load(tmp_path / "rows.npy"), KeyedRows(tmp_path / "a.rows").look_up(asked))


def test_a_cut_or_changed_file_is_refused_by_name(program, tmp_path):
    keys = np.arange(9)
    write_keyed_rows(tmp_path / "a.rows", [(keys, np.ones((9, 2)))])
    np.save(tmp_path / "keys.npy", keys)
    whole = (tmp_path / "a.rows").read_bytes()
    for data, message in {
        whole[:50]: "no file of rows by keys, or its header is damaged",
        whole[:-1]: f"{len(whole) - 1} bytes, but {len(whole)} were written",
        whole[:20] + b"\xff" + whole[21:]: "its header is damaged",
        b"x" * HEADER_SIZE: "no file of rows by keys",
    }.items():
        (tmp_path / "bad.rows").write_bytes(data)
        answer = program(tmp_path / "bad.rows", tmp_path / "keys.npy", tmp_path / "rows.npy", name="kit_rows")
        assert answer.code == 4 and f"bad.rows: {message}" in answer.err


def test_keys_that_were_never_trained_have_their_first_rows_in_cpp(program, tmp_path):
    runtime.prepare()
    slots, first = np.array([[[3, -5], [2**62, -1]], [[-1, -1], [96, 97]]]), {"std": 0.5, "seed": 3}
    published_ranker(lambda: SlotDNN(2, 97, 3, [8]), {"slots": slots}, tmp_path / "1", first, slice(0, 20))
    answer = program("--model", tmp_path / "1", "--golden")  # most of its keys are not in the file
    assert answer.code == 0, answer.err


def test_a_published_ranker_answers_as_in_python_and_a_new_version_needs_no_restart(program, tmp_path):
    runtime.prepare()
    slots, expected = np.array([[[3, -5], [2**62, -1]], [[-1, -1], [96, 97]]]), {}
    for version in ("1", "2"):
        made = tmp_path / "made" / version
        published_ranker(lambda: SlotDNN(2, 97, 3, [8]), {"slots": slots}, made)
        expected[version] = Predictor(made).run({"slots": slots})["probability"]
    live, golden = tmp_path / "live", tmp_path / "made/1/golden.npz"

    def release(version, break_it=False):
        def fill(draft):
            shutil.copytree(tmp_path / "made" / min(version, "2"), draft, dirs_exist_ok=True)
            if break_it:
                (draft / "signs.rows").write_bytes(b"")

        publish(live, version, fill)

    release("1")
    answer = program("--model", live, "--golden")
    assert answer.code == 0, answer.err
    command = [program.build / "kit_rows", live, golden]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:

        def ask(line):
            running.stdin.write(f"{line}\n")
            running.stdin.flush()
            return running.stdout.readline().strip().split(" ", 2)

        def check(found, version):
            assert found[0] == version and float(found[1]) == pytest.approx(expected[version][0], abs=2e-6)

        check(ask("run"), "1")
        release("2")
        seen = [ask("run") for _ in range(3)]
        for found in seen:  # either one, but never a part of each
            check(found, found[0])
        check(ask("refresh"), "2")
        release("3", break_it=True)
        found = ask("refresh")
        check(found, "2")
        assert "signs.rows" in found[2]
        running.stdin.close()
