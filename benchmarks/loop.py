"""Overhead of the Trainer with its default callbacks against a hand-written training loop.

Both run in this process on tiny YOLOv3s of equal weights, in alternating rounds; the batches are made beforehand.
The loop by hand makes Tensors, goes forward and back, steps and clears, and reads the loss every 20 steps. What the
Trainer does once a run (the first and the last checkpoint, plots, the model card) is not counted; the ratio is that
of the medians over all steps.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import measure

sys.path.insert(0, str(measure.REPOSITORY))

from common.system import runtime

runtime.prepare()

import numpy as np  # noqa: E402
import paddle  # noqa: E402

from common.build.model import build_model  # noqa: E402
from common.config import load_config  # noqa: E402
from common.system.signals import GracefulStop  # noqa: E402
from common.training.callbacks.callback import Callback  # noqa: E402
from common.training.callbacks.card import Card  # noqa: E402
from common.training.callbacks.checkpoint import Checkpoint  # noqa: E402
from common.training.callbacks.log import Log  # noqa: E402
from common.training.callbacks.plots import Plots  # noqa: E402
from common.training.trainer import RunParts, Trainer  # noqa: E402

CONFIG = "PaddleCV/configs/tiny/yolov3.yml"
OVERRIDES = ["optimizer.no_decay=[]", "optimizer.lr=1e-4", "train.save_every=0"]
BATCH, SIZE, OBJECTS = 8, 96, 6


def main():
    """Takes turns and prints the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20, help="steps a round (20)")
    parser.add_argument("--rounds", type=int, default=20, help="rounds of each (20)")
    parser.add_argument("--json", help="write the ratios to this JSON file")
    args = parser.parse_args()
    config = load_config(CONFIG, OVERRIDES)
    batches = [make_batch(number) for number in range(args.steps)]
    with tempfile.TemporaryDirectory() as folder:
        trainer, watched = make_trainer(config, batches, Path(folder) / config.name)
        by_hand = ByHand(config)
        plain = measure.Stopwatch()
        by_hand.run(batches, measure.Stopwatch())
        turn(trainer)
        watched.clear()
        for _ in range(args.rounds):
            by_hand.run(batches, plain)
            turn(trainer)
    rows = [
        [name, *(1000 * measure.median(getattr(watch, what)) for what in ("wall", "cpu"))]
        for name, watch in (("by hand", plain), ("Trainer", watched))
    ]
    measure.table("The loop, tiny YOLOv3, 8 x 96 x 96", ["", "wall ms a step", "CPU ms a step"], rows)
    results = {
        f"Trainer / loop by hand, {what}": (rows[1][place] / rows[0][place], "<=", 1.03)
        for place, what in ((1, "wall"), (2, "CPU"))
    }
    measure.finish(results, args.json)


def make_batch(seed):
    """A batch of noise with boxes, as the loader would give it."""
    rng = np.random.default_rng(seed)
    corner, extent = rng.uniform(0, 60, (BATCH, OBJECTS, 2)), rng.uniform(8, 34, (BATCH, OBJECTS, 2))
    return {
        "image": rng.standard_normal((BATCH, 3, SIZE, SIZE), dtype=np.float32),
        "boxes": np.concatenate([corner, corner + extent], axis=-1).astype(np.float32),
        "labels": rng.integers(0, 10, (BATCH, OBJECTS)),
        "im_shape": np.full((BATCH, 2), SIZE, np.float32),
        "scale_factor": np.ones((BATCH, 2), np.float32),
        "path": [f"{number}.jpg" for number in range(BATCH)],
    }


class ByHand:
    """A hand-written training loop.

    Args:
        config (Config): of the model and the optimizer.
    """

    def __init__(self, config):
        self.model = build_model(config, [str(number) for number in range(10)])
        self.model.train()
        parameters = [parameter for parameter in self.model.parameters() if not parameter.stop_gradient]
        self.optimizer = paddle.optimizer.Momentum(1e-4, 0.9, parameters, weight_decay=5e-4)
        self.step, self.seen = 0, []

    def run(self, batches, watch):
        """One round."""
        watch.start()
        for batch in batches:
            tensors = {name: paddle.to_tensor(batch[name]) for name in ("image", "boxes", "labels")}
            loss = sum(self.model.loss(tensors).values())
            loss.backward()
            self.optimizer.step()
            self.optimizer.clear_grad()
            self.step += 1
            if self.step % 20 == 0:
                self.seen.append(loss.item())
            watch.lap()


class Made:
    """A loader of batches that are there already.

    Args:
        batches (list[dict]): of every epoch.
    """

    wait_seconds, order = 0.0, {}

    def __init__(self, batches):
        self.batches, self.position = batches, 0

    @property
    def length(self):
        """Batches per epoch."""
        return len(self)

    def __len__(self):
        return len(self.batches)

    def epoch(self, epoch, start_step=0):
        """The batches, in their order."""
        for position in range(start_step, len(self.batches)):
            self.position = position + 1
            yield self.batches[position]


class Laps(Callback):
    """The last callback: ends a lap when all others are done with a step.

    Args:
        watch (Stopwatch): what counts the laps.
    """

    def __init__(self, watch):
        self.watch = watch

    def on_train_start(self, trainer):
        self.watch.start()

    def after_step(self, trainer):
        self.watch.lap()


class Quiet(Log):
    """The log as it is, while this benchmark's own table stays readable."""

    def _print(self, *given):
        import logging

        logging.disable(logging.INFO)
        super()._print(*given)
        logging.disable(logging.NOTSET)


def make_trainer(config, batches, folder):
    """A Trainer as `tools/train.py` makes it, and the Stopwatch of its steps."""
    model = build_model(config, [str(number) for number in range(10)])
    model.labels = [str(number) for number in range(10)]
    optimizer, settings = config.build("optimizer"), config.settings("train")
    optimizer.schedule.bind(len(batches), 10**6)
    watch = measure.Stopwatch()
    callbacks = [Quiet(config.get("log_every")), Plots(), Card(), Checkpoint(every=0, config_text=config.dump())]
    stop = GracefulStop()
    loader, schedule = Made(batches), optimizer.schedule
    parts = RunParts(model, loader, optimizer.build(model), schedule, settings, folder, config, callbacks, stop=stop)
    trainer = Trainer(parts)
    trainer.callbacks.append(Laps(watch))
    watch.clear = lambda: (watch.wall.clear(), watch.cpu.clear())
    return trainer, watch


def turn(trainer):
    """One more epoch."""
    trainer.epochs = trainer.epoch + 1
    trainer.fit()


if __name__ == "__main__":
    main()
