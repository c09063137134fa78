"""The chains of `pipelines/`: their options are checked before anything runs, and tiny models go through all stages."""

import os
import subprocess
from pathlib import Path

import pytest

KIT = Path(__file__).resolve().parents[1]
TWINS = {"ernie_tiny": ("tiny/pairs", "tiny/distill_texts"), "ernie_slim": ("tiny/words", "tiny/words")}


def run(folder, *words):
    environment = os.environ | {"KIT_THREADS": "1"}
    return subprocess.run([KIT / "run.sh", *words], cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("chain", TWINS)
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--stage", "9"], "--stage takes a number, 0 to "),
        (["--stage", "3", "--stop", "1"], "--stage 3 is after --stop 1"),
        (["-o", "techer=a"], "unknown key techer; see ./run.sh {} --help"),
        (["yolov3"], "unknown argument yolov3; see ./run.sh {} --help"),
    ],
)
def test_a_wrong_option_of_a_chain_is_refused_before_anything_runs(chain, words, said, tmp_path):
    done = run(tmp_path, chain, *words)
    assert done.returncode == 2 and said.format(chain) in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(("chain", "teacher", "student"), [(chain, *twins) for chain, twins in TWINS.items()])
def test_a_chain_of_tiny_models_goes_through_all_stages(chain, teacher, student, tmp_path):
    done = run(tmp_path, chain, "-o", f"teacher={teacher}", f"student={student}")
    assert done.returncode == 0, done.stderr
    assert "== " + student + ", distilled" in done.stderr and done.stdout.count("accuracy") >= 2
    (exported,) = tmp_path.glob(f"output/*/distilled/{student}/export")
    assert (exported / "infer.yml").is_file()
