"""Creates annotations of segments in ActivityNet's form, with features: made ones, or frame-wise ones of an .npz file.

python PaddleCV/tools/make_segments.py --out dataset/salads --source action_segments.npz --prefix salads
"""

import csv
import itertools
import json
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

FOLDS = 5


def make_segments(out, videos):
    """Writes the dataset to a temporary folder next to `out`, which must not exist, and renames it.

    `out` gets `features/<name>.npz` (features float32 [T, D], duration in frames) and `annotations.json`, whose subsets
    are `fold1` to `fold5`; fold 1 is for the test.

    Args:
        out (str | Path): output folder.
        videos (dict[str, tuple]): by name: features [T, D], labels int [T] of which 0 may be background, the fold, and
            whether 0 is one.
    """
    out = pathlib.Path(out)
    if out.exists():
        raise ConfigError(f"{out} exists; remove it, or give another --out")
    temporary, database = out.with_name(f"{out.name}.tmp-{os.getpid()}"), {}
    try:
        (temporary / "features").mkdir(parents=True)
        for name, (features, labels, fold, background) in videos.items():
            duration = np.float64(len(labels))
            np.savez(temporary / "features" / f"{name}.npz", features=features.astype(np.float32), duration=duration)
            found = [
                {"segment": [start, end], "label": f"action {label}"}
                for start, end, label in runs(labels)
                if label or not background
            ]
            database[name] = {"subset": f"fold{fold}", "duration": float(duration), "annotations": found}
        (temporary / "annotations.json").write_text(json.dumps({"database": database}, indent=0), encoding="utf-8")
        temporary.rename(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def runs(labels):
    """The runs of equal labels, tuples of start, end (after the last frame) and label."""
    edges = [0, *(np.flatnonzero(np.diff(labels)) + 1).tolist(), len(labels)]
    return [(start, end, int(labels[start])) for start, end in itertools.pairwise(edges)]


def read_videos(source, prefix):
    """The videos of an .npz file of `NAME/features` and `NAME/labels`, with their folds.

    Args:
        source (str): the file, with a table videos.csv beside it (video, fold) or without.
        prefix (str): of the names to take.

    Raises:
        DataError: no name begins so.
    """
    found, folds = {}, read_folds(pathlib.Path(source).parent / "videos.csv")
    with np.load(source, allow_pickle=False) as arrays:
        names = sorted(key.removesuffix("/labels") for key in arrays.files if key.endswith("/labels"))
        for number, name in enumerate(name for name in names if name.startswith(prefix)):
            fold = folds.get(name, 1 + number % FOLDS)
            background = name.startswith("gtea")
            found[name] = (arrays[f"{name}/features"], arrays[f"{name}/labels"], fold, background)
    if not found:
        raise DataError(f"error[D117] {source}: no videos whose names begin with {prefix!r}")
    return found


def read_folds(path):
    """The folds of videos by name, of a table with the columns video and fold; empty without one."""
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {row["video"]: int(row["fold"]) for row in csv.DictReader(file)}


def made_videos(count, seed=0):
    """Made videos: noise in which two kinds of action raise some of 8 features, as :func:`make_segments` takes them."""
    found = {}
    for number in range(count):
        rng = random_for(seed, number)
        labels = np.zeros(int(rng.integers(60, 120)), np.int64)
        for place in np.linspace(0, len(labels), 4)[:-1]:
            start = int(place) + int(rng.integers(2, 8))
            labels[start : start + int(rng.integers(6, 12))] = rng.integers(1, 3)
        features = 0.3 * rng.normal(size=(len(labels), 8))
        features[:, :3] += (labels == 1)[:, None]
        features[:, 3:6] += (labels == 2)[:, None]
        found[f"made_{number:03d}"] = (features, labels, 1 + number % FOLDS, True)
    return found


def parser():
    """The command-line parser."""
    options = Parser(
        prog="make_segments.py",
        description=__doc__.splitlines()[0],
        epilog="example: python PaddleCV/tools/make_segments.py --out dataset/segments",
    )
    options.add_argument("--out", default="dataset/segments", help="output folder (default: %(default)s)")
    options.add_argument("--source", help="an .npz file of NAME/features and NAME/labels (default: made videos)")
    options.add_argument("--prefix", default="", help="of the names to take from --source (default: all)")
    options.add_argument("--videos", type=int, default=40, help="made videos (default: %(default)s)")
    options.add_argument("--seed", type=int, default=0, help="random seed of made videos (default: %(default)s)")
    return options


def main(argv=None):
    """Entry point; exits the process."""
    run_command(parser(), run, argv)


def run(args):
    """Runs the command."""
    videos = read_videos(args.source, args.prefix) if args.source else made_videos(args.videos, args.seed)
    make_segments(args.out, videos)
    logger.info("%s written: %d videos", args.out, len(videos))


if __name__ == "__main__":
    main()
