"""Losses that are not finite end a run with what can be done about it."""

from types import SimpleNamespace

import pytest

from common.errors import Diverged
from common.training.trainer import Trainer


@pytest.mark.parametrize(
    ("saved", "words"), [(False, "no checkpoint has been saved yet"), (True, "the last checkpoint is from before")]
)
def test_the_message_says_whether_there_is_a_checkpoint_to_go_back_to(tmp_path, saved, words):
    (tmp_path / "step_0000001").mkdir() if saved else None
    run = SimpleNamespace(folder=tmp_path, step=3, epoch=0, bad_steps=0, batch={"image_id": [7]})
    run.schedule, run.settings = SimpleNamespace(at=lambda step: 0.1), SimpleNamespace(on_nan="stop")
    with pytest.raises(Diverged, match=words):
        Trainer.accept(run, {"loss": float("nan")})
