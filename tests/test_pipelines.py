"""The chains in `pipelines/` of the kits: their options are checked first, and tiny models go through all stages."""

import os
import subprocess

import pytest

from common.config.kits import ROOT

TWINS = {  # chain -> its kit, and the tiny models that go through it
    "ernie_slim": ("PaddleNLP", "teacher=tiny/words", "student=tiny/words"),
    "ernie_tiny": ("PaddleNLP", "teacher=tiny/pairs", "student=tiny/distill_texts"),
    "pointrcnn_stages": ("PaddleCV", "first=tiny/pointrcnn_rpn", "whole=tiny/pointrcnn"),
}


def run(chain, folder, *words):
    environment = os.environ | {"KIT_THREADS": "1"}
    command = [ROOT / TWINS[chain][0] / "run.sh", chain, *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_every_chain_has_tiny_models():
    assert {(path.parts[-3], path.stem) for path in ROOT.glob("Paddle*/pipelines/*.sh")} == {
        (kit, chain) for chain, (kit, *_) in TWINS.items()
    }


@pytest.mark.parametrize("chain", TWINS)
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--stage", "9"], "--stage takes a number, 0 to "),
        (["--stage", "3", "--stop", "1"], "--stage 3 is after --stop 1"),
        (["yolov3"], "unknown argument yolov3; see ./run.sh {} --help"),
        (["-o", "teacher"], "unknown argument teacher; see ./run.sh {} --help"),
    ],
)
def test_a_wrong_option_of_a_chain_is_refused_before_anything_runs(chain, words, said, tmp_path):
    done = run(chain, tmp_path, *words)
    assert done.returncode == 2 and said.format(chain) in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("chain", ["ernie_slim", "ernie_tiny"])
def test_an_unknown_key_of_a_chain_is_refused(chain, tmp_path):
    done = run(chain, tmp_path, "-o", "techer=a")
    assert done.returncode == 2 and f"unknown key techer; see ./run.sh {chain} --help" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("chain", TWINS)
def test_a_chain_of_tiny_models_goes_through_all_stages(chain, tmp_path):
    done = run(chain, tmp_path, "-o", *TWINS[chain][1:])
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("== ") >= 2  # scores of both
    assert list(tmp_path.glob("output/**/export/infer.yml"))
