"""A trainer without a model, for the tests of what watches one."""

import json
import types
from pathlib import Path

import numpy as np

from common.config.namespace import Namespace
from common.config.tree import Node


class FakeConfig:
    """The few answers of a configuration that the callbacks ask for."""

    name = "blood"
    path = Path("PaddleCV/configs/detection/bccd.yml")
    tree, namespace = Node("blood.yml"), Namespace()
    overrides = ()

    def __init__(self, **values):
        self.values = {
            "model.type": "YOLOv3",
            "optimizer.type": "Momentum",
            "labels": ["RBC", "WBC"],
            "seed": 42,
            "data.train": {"type": "CocoDetection", "root": "dataset/blood", "annotations": "train.json"},
        } | values

    def get(self, key, default=None):
        return self.values.get(key, default)

    def place(self, key):
        return "blood.yml"


class FakeTrainer(types.SimpleNamespace):
    """Holds what a trainer holds between two events; the losses are a function of the step."""

    def __init__(self, folder, epochs=3, steps_per_epoch=25, callbacks=()):
        super().__init__(
            folder=Path(folder),
            epochs=epochs,
            steps_per_epoch=steps_per_epoch,
            batches_per_epoch=steps_per_epoch,
            total_steps=epochs * steps_per_epoch,
            epoch=0,
            position=0,
            step=0,
            losses={},
            lrs={"lr": 0.0},
            scores={},
            scores_step=0,
            best=None,
            end_reason=None,
            metric=None,
            at_end=False,
            samples_per_step=8,
            loader=types.SimpleNamespace(wait_seconds=0.001),
            config=FakeConfig(),
            model=types.SimpleNamespace(task="Detection", inputs={}, parameters=lambda: [np.zeros((3, 4))]),
            callbacks=list(callbacks),
        )

    def is_last_step(self):
        return self.step == self.total_steps

    def call(self, event):
        for callback in self.callbacks:
            getattr(callback, event)(self)

    def run(self, until=None, saved=None):
        """Trains to the end, or stops dead after step `until`; `saved` collects the state after every step."""
        self.call("on_train_start")
        while self.epoch < self.epochs:
            while self.position < self.batches_per_epoch:
                self.position += 1
                self.step += 1
                self.at_end = self.position == self.batches_per_epoch
                self.lrs = {"lr": 0.1 / self.step}
                self.losses = {"loss_box": 3.0 / self.step, "loss_class": 1.0 / (7 + self.step)}
                self.call("after_step")
                if saved is not None:
                    saved[self.step] = self.state()
                if self.step == until:
                    return
            self.evaluate()
            self.epoch, self.position, self.at_end = self.epoch + 1, 0, False
            self.call("after_epoch")
        self.call("on_train_end")

    def evaluate(self):
        self.scores, self.scores_step = {"map": 1 - 1 / self.step, "map_small": float("nan")}, self.step
        self.best = {"metric": "map", "score": self.scores["map"], "step": self.step}
        self.call("after_evaluation")

    def state(self):
        """A checkpoint, as JSON text."""
        numbers = {name: getattr(self, name) for name in ("epoch", "position", "at_end", "step")}
        return json.dumps(numbers | {"callbacks": [callback.state() for callback in self.callbacks]})

    def load(self, text):
        state = json.loads(text)
        for callback, kept in zip(self.callbacks, state.pop("callbacks"), strict=True):
            callback.load(kept)
        vars(self).update(state)
