"""A two-stage detector, which draws anchors and regions at random, ends in the same bits however often it is killed."""

import signal

import numpy as np
import pytest

from tests.reliability.training_runs import REPOSITORY, Run, kill_at_a_moment, kill_inside_a_save

KILLS = 20
CONFIG = REPOSITORY / "PaddleCV/configs/tiny/detection/faster_rcnn_fpn.yml"
SETTINGS = (
    "train.epochs=6",
    "train.batch_size=2",
    "train.workers=2",
    "train.ema=0.9",
    "train.save_every_steps=3",
    "train.eval_every=3",
    "train.keep=2",
    "log_every=5",
    "data.train.transforms.1.prob=0.5",
    "model.boxes.sampler.count=16",
)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_detector_that_was_killed_20_times_ends_like_the_one_that_was_not(digits, tmp_path):
    runs = []
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
        folder = tmp_path / name / "tiny/faster_rcnn_fpn"
        runs.append(Run(CONFIG, folder, (f"dataset={digits / 'digits'}", *SETTINGS)))
    whole, killed = runs
    whole.finish()
    rng, kills = np.random.default_rng(0), 0
    while kills < KILLS:
        if kills % 4 == 3:
            was_killed, _ = kill_inside_a_save(killed, rng, saves=0)
        else:
            was_killed = kill_at_a_moment(killed, rng, 1.2) == -signal.SIGKILL
        if not was_killed:  # it came to its end before: another one from the beginning
            assert killed.fingerprint() == whole.fingerprint()
            killed = Run(CONFIG, tmp_path / f"again{kills}" / "tiny/faster_rcnn_fpn", killed.overrides)
            killed.folder.parents[1].mkdir()
        kills += was_killed
    killed.finish()
    assert killed.fingerprint() == whole.fingerprint()
