"""Warnings of a training session."""

from common.config import load_config
from common.training.session import warn_of_other_settings
from common.weights.manifest import MANIFEST

CONFIG = "PaddleCV/configs/tiny/yolov3.yml"


def test_settings_that_differ_from_those_of_the_checkpoint_are_named(tmp_path, caplog):
    config = load_config(CONFIG)
    (tmp_path / "config.yml").write_text(config.dump(), encoding="utf-8")
    (tmp_path / MANIFEST).touch()
    caplog.set_level("WARNING", "kit")
    warn_of_other_settings(config, tmp_path)
    warn_of_other_settings(load_config(CONFIG, ["train.workers=3", "log_every=7"]), tmp_path)
    assert not caplog.messages
    warn_of_other_settings(load_config(CONFIG, ["optimizer.lr.base=0.5", "train.epochs=77", "train.ema=0.9"]), tmp_path)
    (text,) = caplog.messages
    assert (
        "optimizer.lr.base" in text and "-> 0.5" in text and "train.epochs" in text and "train.ema None -> 0.9" in text
    )
