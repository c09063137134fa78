import json
import logging

import pytest

from common.log import logger
from common.training.callbacks.profile import Profile
from tests.common.training.fake_trainer import FakeTrainer

paddle = pytest.importorskip("paddle")


class Work(Profile):
    """Multiplies two matrices in every step, so that there is something to see."""

    def after_step(self, trainer):
        paddle.matmul(paddle.ones([32, 32]), paddle.ones([32, 32])).numpy()
        super().after_step(trainer)


def test_the_operators_of_the_chosen_steps_are_summed_up(tmp_path):
    FakeTrainer(tmp_path, epochs=1, callbacks=[Work(steps=(2, 5))]).run()
    text = (tmp_path / "profile/summary.txt").read_text()
    assert "matmul" in text
    (steps,) = [line.split()[1] for line in text.splitlines() if line.startswith("ProfileStep")][:1]
    assert steps == "3"
    assert json.loads((tmp_path / "profile/trace.json").read_text())["traceEvents"]


def test_a_run_that_ends_inside_is_summed_up_as_far_as_it_went(tmp_path):
    FakeTrainer(tmp_path, epochs=1, steps_per_epoch=3, callbacks=[Work(steps=(1, 100))]).run()
    assert "matmul" in (tmp_path / "profile/summary.txt").read_text()


def test_a_run_too_short_to_profile_says_so(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(logger, "propagate", True)
    with caplog.at_level(logging.WARNING, logger="kit"):
        FakeTrainer(tmp_path, epochs=1, steps_per_epoch=3, callbacks=[Profile(steps=(10, 15))]).run()
    assert "ended after 3 steps, before step 10" in caplog.text


def test_steps_in_the_wrong_order_are_refused():
    with pytest.raises(ValueError, match="the first must be less"):
        Profile(steps=(5, 5))
