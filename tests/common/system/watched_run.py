"""A program that is watched for a second: FOLDER [STEP at which it fails]."""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from common.log import set_up_logging
from common.training.callbacks.callback import Callback
from common.training.callbacks.log import Log, NextSteps
from tests.common.training.fake_trainer import FakeTrainer


class Slow(Callback):
    """Takes its time, and fails at one step."""

    def __init__(self, fatal):
        self.fatal = fatal

    def after_step(self, trainer):
        time.sleep(0.01)
        if trainer.step == self.fatal:
            raise ValueError("no more")


if __name__ == "__main__":
    set_up_logging()
    FakeTrainer(sys.argv[1], callbacks=[Slow(int(sys.argv[2])), Log(20), NextSteps()]).run()
