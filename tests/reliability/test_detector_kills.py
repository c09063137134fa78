"""A two-stage detector, which draws anchors and regions at random, ends in the same bits however often it is killed."""

import pytest

from tests.reliability.training_runs import REPOSITORY, check_kills

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
    check_kills(CONFIG, (f"dataset={digits / 'digits'}", *SETTINGS), tmp_path, KILLS)
