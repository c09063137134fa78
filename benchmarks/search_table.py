"""Trains every network of a small space on scikit-learn's handwritten digits, and records the table.

    python benchmarks/search_table.py --out benchmarks/search_table.csv      # four minutes of one core

The space is a MobileNetV2 of three rows: the width of each, the expansion of the last two, the kernels and blocks of
the last; 432 networks of 8x8 images. Each trains for 40 steps; the table holds its choices, the accuracy on the
digits held out, and its multiply-adds. A search can then be replayed on it in no time, hundreds of times.
"""

import argparse
import csv
import itertools
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("KIT_THREADS", "1")
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from common.system import runtime  # noqa: E402

BASE = "PaddleSlim/configs/tiny/search.yml"
ROWS = [[1, 8, 1, 1], [4, 12, 1, 2], [4, 16, 1, 2]]
CHOICES = {"expansions": [1, 4], "widths": [0.5, 1.0, 1.5], "kernels": [3, 5], "repeats": [0, 1]}
STEPS, BATCH, RATE, SEEDS = 40, 64, 2e-2, 1


def space():
    """The space of the table: of the first row the width alone is free."""
    from common.search.space import Choice
    from PaddleSlim.models.search.network_spaces import MobileNetV2Space

    found = MobileNetV2Space(ROWS, **CHOICES)
    fixed = {"kernel0": 3, "blocks0": 1, "kernel1": 3, "blocks1": 1}
    found.dimensions = [d for d in found.dimensions if d.name not in fixed]
    found.dimensions.sort(key=lambda d: d.name not in ("kernel2", "blocks2"))  # these vary last: the rest is a table
    found.fixed.update(fixed)
    assert all(isinstance(d, Choice) for d in found.dimensions)
    return found


def digits():
    """Images [N, 3, 8, 8] and classes: 1,000 to train on, the other 797 to score."""
    import numpy as np
    from sklearn.datasets import load_digits

    found = load_digits()
    order = np.random.default_rng(0).permutation(len(found.images))
    images = ((found.images[order] - 4.9) / 6.0).astype("float32")[:, None].repeat(3, axis=1)
    classes = found.target[order].astype("int64")
    return (images[:1000], classes[:1000]), (images[1000:], classes[1000:])


def build(overrides, seed):
    """The model of a candidate."""
    from common.build.model import build_model
    from common.config import load_config
    from common.config.overrides import assignments

    small = ["model.backbone.stem_stride=1", "model.backbone.out_indices=[2]", "dataset=none", f"seed={seed}"]
    config = load_config(BASE, [*small, *assignments(overrides)])
    return build_model(config, [str(n) for n in range(10)])


def train(model, images, classes, seed):
    """A few steps of Adam, half a cosine."""
    import numpy as np
    import paddle

    rate = paddle.optimizer.lr.CosineAnnealingDecay(RATE, STEPS)
    optimizer = paddle.optimizer.Adam(rate, parameters=model.parameters())
    order, model_input = np.random.default_rng(seed), (images, classes)
    model.train()
    for _ in range(STEPS):
        chosen = order.integers(len(images), size=BATCH)
        image, label = (paddle.to_tensor(array[chosen]) for array in model_input)
        sum(model.loss({"image": image, "label": label}).values()).backward()
        optimizer.step()
        optimizer.clear_grad()
        rate.step()


def measured(overrides, training, held_out):
    """(mean accuracy, multiply-adds) of a candidate."""
    import paddle

    from common.build.macs import count_macs

    scores = []
    for seed in range(SEEDS):
        model = build(overrides, seed)
        train(model, *training, seed)
        model.eval()
        with paddle.no_grad():
            answers = model.predict(paddle.to_tensor(held_out[0])).argmax(axis=1).numpy()
        scores.append(float((answers == held_out[1]).mean()))
    return sum(scores) / len(scores), count_macs(model, paddle.to_tensor(held_out[0][:1]))


def known(path, names):
    """The candidates a file has already, for a run that was stopped."""
    if not path.is_file():
        return set()
    with path.open(newline="") as file:
        return {tuple(row[name] for name in names) for row in csv.DictReader(file)}


def main():
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("benchmarks/search_table.csv"))
    parser.add_argument("--most", type=int, default=0, help="train this many only; 0 trains all")
    args = parser.parse_args()
    runtime.prepare()
    dimensions = space().dimensions
    names = [d.name for d in dimensions]
    done, data, began, count = known(args.out, names), digits(), time.process_time(), 0
    with args.out.open("a", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if not done:
            writer.writerow([*names, "accuracy", "macs"])
        for values in itertools.product(*(d.values for d in dimensions)):
            if tuple(map(str, values)) in done:
                continue
            if args.most and count >= args.most:
                break
            accuracy, macs = measured(space().overrides(dict(zip(names, values))), *data)
            writer.writerow([*values, f"{accuracy:.4f}", macs])
            file.flush()
            count += 1
    print(f"{count} networks, {time.process_time() - began:.0f} CPU seconds")


if __name__ == "__main__":
    main()
