"""A GAN with a pool of images, and one whose phases take turns, end in the same bits however often they are killed."""

import pytest

from PaddleCV.tools.make_translations import make_translations
from tests.reliability.training_runs import REPOSITORY, check_kills

KILLS = 20
TWINS = REPOSITORY / "PaddleCV/configs/tiny/generation"
SETTINGS = (
    "train.epochs=20",
    "train.save_every_steps=4",
    "train.eval_every=5",
    "train.keep=2",
    "log_every=5",
)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", ["cyclegan", "stargan"])
def test_a_gan_that_was_killed_20_times_ends_like_the_one_that_was_not(name, tmp_path):
    make_translations(tmp_path / "set", train=12, evaluation=4)
    settings = (f"dataset={tmp_path / 'set'}", *SETTINGS, *(["test_images=4"] if name == "stargan" else []))
    check_kills(TWINS / f"{name}.yml", settings, tmp_path, KILLS)
