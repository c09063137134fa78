"""Creates sets of point clouds in the layout of ModelNet40 or of Indoor3D: made ones, or those of an .npz file.

python PaddleCV/tools/make_clouds.py --out dataset/clouds
"""

import os
import pathlib
import shutil
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)
    import common  # noqa: F401  starts again in .venv where this Python lacks the dependencies

import numpy as np  # noqa: E402

from common.commands.main import run_command  # noqa: E402
from common.commands.parser import Parser  # noqa: E402
from common.data.transform import random_for  # noqa: E402
from common.errors import ConfigError, DataError  # noqa: E402
from common.log import logger  # noqa: E402
from common.vision.feature_files import read_npz  # noqa: E402

SHAPES = ("ball", "box", "cylinder", "ring")
ROOM = ("floor", "wall", "box", "ball")
HELD_OUT = 5  # a share of one in so many clouds of made shapes is for validation


def made_shape(kind, points, rng):
    """Points float32 [points, 3] on the surface of a shape of :data:`SHAPES` of random proportions and height."""
    size = rng.uniform(0.5, 1.0, 3)
    direction = rng.normal(size=(points, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    angle, place = rng.uniform(0, 2 * np.pi, (2, points))
    if kind == "ball":
        found = direction
    elif kind == "box":
        found = direction / np.abs(direction).max(1, keepdims=True)
    elif kind == "cylinder":
        found = np.stack([np.cos(angle), np.sin(angle), place / np.pi - 1], 1)
    else:
        radius = 1 + 0.3 * np.cos(place)
        found = np.stack([radius * np.cos(angle), radius * np.sin(angle), 0.3 * np.sin(place)], 1)
    return (found * size + 0.01 * rng.normal(size=(points, 3))).astype(np.float32)


def make_shapes(count, points, seed=0):
    """Made shapes: {split: (data, label)} and the class names."""
    found = {}
    for number, (split, share) in enumerate({"train": count, "test": max(count // 4, len(SHAPES))}.items()):
        rng = random_for(seed, number)
        label = np.arange(share) % len(SHAPES)
        found[split] = np.stack([made_shape(SHAPES[k], points, rng) for k in label]), label
    return found, SHAPES


def make_blocks(count, points, seed=0):
    """Made blocks of rooms: {split: (data [I, P, 9], label [I, P])} and the class names."""
    found = {}
    for number, (split, share) in enumerate({"train": count, "test": max(count // 4, 2)}.items()):
        rng, blocks, labels = random_for(seed, 10 + number), [], []
        for _ in range(share):
            kinds = np.sort(rng.integers(0, len(ROOM), points))
            xyz = np.concatenate([rng.uniform(-0.5, 0.5, (points, 2)), rng.uniform(0, 3, (points, 1))], 1)
            xyz[kinds == 0, 2] = 0
            xyz[kinds == 1, 0] = -0.5
            for kind, name in ((2, "box"), (3, "ball")):
                where = np.append(rng.uniform(-0.2, 0.2, 2), 0.3 if name == "box" else 1.2)
                xyz[kinds == kind] = 0.25 * made_shape(name, np.count_nonzero(kinds == kind), rng) + where
            order = rng.permutation(points)
            color = np.clip(0.2 * kinds[:, None] + 0.2 * rng.random((points, 3)), 0, 1)
            place = (xyz - xyz.min(0)) / np.maximum(np.ptp(xyz, axis=0), 1e-9)
            blocks.append(np.concatenate([xyz, color, place], 1)[order])
            labels.append(kinds[order])
        found[split] = np.stack(blocks), np.stack(labels)
    return found, ROOM


def write_clouds(out, splits, names):
    """Writes a set to a temporary folder next to `out`, which must not exist, and renames it.

    `out` gets a file of each split, `train.npz`, its list, `train_files.txt`, and `shape_names.txt`; of blocks also
    `all_files.txt` and `room_filelist.txt`, in which the rooms of the test are `test_...`.

    Args:
        out (str | Path): output folder.
        splits (dict[str, tuple]): split -> data [I, P, D], label [I] or [I, P].
        names (Iterable[str]): class names.
    """
    out = pathlib.Path(out)
    if out.exists():
        raise ConfigError(f"{out} exists; remove it, or give another --out")
    temporary = out.with_name(f"{out.name}.tmp-{os.getpid()}")
    try:
        temporary.mkdir(parents=True)
        for split, (data, label) in splits.items():
            np.savez(temporary / f"{split}.npz", data=data.astype(np.float32), label=label.astype(np.uint8))
            (temporary / f"{split}_files.txt").write_text(f"{split}.npz\n", encoding="utf-8")
        (temporary / "shape_names.txt").write_text("\n".join(names) + "\n", encoding="utf-8")
        if next(iter(splits.values()))[1].ndim == 2:
            (temporary / "all_files.txt").write_text("".join(f"{split}.npz\n" for split in splits), encoding="utf-8")
            rooms = [f"{split}_{row}\n" for split, (data, _) in splits.items() for row in range(len(data))]
            (temporary / "room_filelist.txt").write_text("".join(rooms), encoding="utf-8")
        temporary.rename(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def read_splits(source):
    """The splits of an .npz file: `train_points` and `train_labels`, or `train_xyz_mm`, `train_norm`, `train_labels`.

    Points of whole numbers (int8) are shares of 127. Every fifth shape of a class is `val`,
    or every fifth block of a room.

    Args:
        source (str): the file, with `names`.

    Raises:
        DataError: an array is missing.
    """
    arrays, splits = read_npz(pathlib.Path(source).read_bytes(), source), {}
    try:
        for split in ("train", "test"):
            label = arrays[f"{split}_labels"]
            if f"{split}_points" in arrays:
                points = arrays[f"{split}_points"]
                data = points / 127 if points.dtype == np.int8 else points
            else:
                data = np.concatenate([arrays[f"{split}_xyz_mm"] / 1000, arrays[f"{split}_norm"] / 255], 2)
            splits[split] = data, label
        data, label = splits["train"]
        kinds = label if label.ndim == 1 else arrays.get("train_room", np.zeros(len(label)))
        order = np.array([np.count_nonzero(kinds[:k] == kinds[k]) for k in range(len(kinds))])
        last = order % HELD_OUT == HELD_OUT - 1
        splits |= {"train": (data[~last], label[~last]), "val": (data[last], label[last])}
        if label.ndim == 1:
            splits["trainval"] = data, label
        return splits, [str(name) for name in arrays["names"]]
    except KeyError as error:
        raise DataError(f"error[D113] {source}: has no array {error}") from None


def parser():
    """The command-line parser."""
    options = Parser(
        prog="make_clouds.py",
        description=__doc__.splitlines()[0],
        epilog="example: python PaddleCV/tools/make_clouds.py --out dataset/clouds",
    )
    options.add_argument("--out", default="dataset/clouds", help="output folder (default: %(default)s)")
    options.add_argument("--source", help="an .npz file of clouds and labels (default: made ones)")
    options.add_argument("--blocks", action="store_true", help="made blocks of rooms, with a class for each point")
    options.add_argument("--clouds", type=int, default=64, help="made clouds to train on (default: %(default)s)")
    options.add_argument("--points", type=int, default=128, help="points of a made cloud (default: %(default)s)")
    options.add_argument("--seed", type=int, default=0, help="random seed of made clouds (default: %(default)s)")
    return options


def main(argv=None):
    """Entry point; exits the process."""
    run_command(parser(), run, argv)


def run(args):
    """Runs the command."""
    if args.source:
        splits, names = read_splits(args.source)
    else:
        splits, names = (make_blocks if args.blocks else make_shapes)(args.clouds, args.points, args.seed)
    write_clouds(args.out, splits, names)
    counts = ", ".join(f"{split} {len(data)}" for split, (data, _) in splits.items())
    logger.info("%s written: %s clouds", args.out, counts)


if __name__ == "__main__":
    main()
