"""Converts the pickled sentences of TACoS and its files of clips to annotations and files that unpickle nothing.

python PaddleCV/tools/convert_tacos.py --source train_clip-sentvec.pkl --clips clips_c3d_fc6 --split train
"""

import json
import pathlib
import re
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)
    import common  # noqa: F401  starts again in .venv where this Python lacks the dependencies

import numpy as np  # noqa: E402

from common.commands.main import run_command  # noqa: E402
from common.commands.parser import Parser, positive_int  # noqa: E402
from common.errors import ConfigError, DataError  # noqa: E402
from common.log import logger  # noqa: E402
from common.regular import check_regular  # noqa: E402
from common.weights.pdparams import read_pickled  # noqa: E402

NAME = re.compile(r"^(?P<video>.+?)(\.avi)?_(?P<start>\d+)_(?P<end>\d+)(\.npy)?$")
UNIT, RATE = 16, 29.4  # frames of a step of features, frames per second of TACoS


def convert_tacos(source, clips, out, split, shortest=64):
    """Writes `<split>.json`, `vectors/<video>.npz` and `features/<video>.npz` to a folder.

    A step of features is a unit of 16 frames; it gets those of the shortest clips whose middle is nearest to its own.

    Args:
        source (str | Path): the pickle, a list of (name, vectors): `s13-d21.avi_252_452` is the clip of frames 252 to
            452. Read by the restricted reader: a file that would execute anything is refused.
        clips (str | Path): folder of `<video>.avi_<start>_<end>.npy`, a vector each.
        out (str | Path): output folder.
        split (str): name of the annotations, such as train.
        shortest (int): frames of the clips that are taken.

    Returns:
        int: the number of sentences.

    Raises:
        ConfigError: the annotations exist.
        DataError: a record or a file is not what it should be; names it.
        EnvironmentProblem: the pickle cannot be read, or refers to code.
    """
    out, spans = pathlib.Path(out), {}
    if (out / f"{split}.json").exists():
        raise ConfigError(f"{out / f'{split}.json'} exists; remove it, or give another --split")
    for number, record in enumerate(read_pickled(source)):
        video, segment, vectors = read_record(record, f"{source}: record {number}")
        spans.setdefault(video, []).extend((segment, vector) for vector in vectors)
    found = clips_of(clips, shortest)
    for folder in ("features", "vectors"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    about = {}
    for video, events in spans.items():
        if video not in found:
            raise DataError(f"error[D104] {clips}: no clips of {shortest} frames of the video {video}")
        features = unit_features(found[video], shortest)
        duration = max(len(features) * UNIT, *(segment[1] for segment, _ in events)) / RATE
        np.savez(out / "features" / f"{video}.npz", features=features, duration=np.float64(duration))
        np.savez(out / "vectors" / f"{video}.npz", vectors=np.stack([vector for _, vector in events]))
        about[video] = {
            "duration": duration,
            "timestamps": [[start / RATE, end / RATE] for (start, end), _ in events],
            "sentences": [f"sentence {number}" for number in range(1, len(events) + 1)],
        }
    (out / f"{split}.json").write_text(json.dumps(about, indent=0), encoding="utf-8")
    return sum(map(len, spans.values()))


def read_record(record, place):
    """The video, the first and last frame, and the vectors of a record; raises DataError."""
    if not isinstance(record, list | tuple) or len(record) != 2:
        raise DataError(f"error[D113] {place}: is not a pair of the name of a clip and vectors")
    name = record[0].decode("utf-8", "replace") if isinstance(record[0], bytes) else str(record[0])
    fits, vectors = NAME.match(name), [np.asarray(vector) for vector in record[1]]
    if not fits or int(fits["start"]) >= int(fits["end"]):
        raise DataError(f"error[D113] {place}: {name!r} is no clip: VIDEO_START_END, in frames")
    if not vectors or any(v.ndim != 1 or v.dtype.kind != "f" or v.shape != vectors[0].shape for v in vectors):
        raise DataError(f"error[D113] {place}: has no vectors of numbers of one size")
    return fits["video"], (int(fits["start"]), int(fits["end"])), [v.astype(np.float32) for v in vectors]


def clips_of(folder, length):
    """The clips of so many frames, {video: [(first frame, path)]}; raises DataError without any."""
    found = {}
    for path in sorted(pathlib.Path(folder).glob("*.npy")):
        fits = NAME.match(path.name)
        if fits and abs(int(fits["end"]) - int(fits["start"]) - length) <= 1:
            found.setdefault(fits["video"], []).append((int(fits["start"]), path))
    if not found:
        raise DataError(f"error[D104] {folder}: no files VIDEO_START_END.npy of {length} frames")
    return found


def unit_features(clips, length):
    """The features of the units of a video, float32 [T, D], of its clips, (first frame, path) each."""
    starts, paths = zip(*sorted(clips))
    vectors = np.stack([read_clip(path) for path in paths])
    count = -(-(starts[-1] + length) // UNIT)
    middles = np.array(starts) + length / 2
    nearest = np.abs((np.arange(count)[:, None] + 0.5) * UNIT - middles).argmin(1)
    return vectors[nearest]


def read_clip(path):
    """The vector of a file, float32 [D]; raises DataError."""
    try:
        check_regular(path)
        vector = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"error[D102] {path}: cannot be read: {error}") from None
    if vector.size < 2 or vector.dtype.kind != "f" or not np.isfinite(vector).all():
        raise DataError(f"error[D113] {path}: is {vector.dtype} {list(vector.shape)}, not a vector of finite numbers")
    return vector.reshape(-1).astype(np.float32)


def parser():
    """The command-line parser."""
    options = Parser(
        prog="convert_tacos.py",
        description=__doc__.splitlines()[0],
        epilog="example: python PaddleCV/tools/convert_tacos.py --source test_clip-sentvec.pkl --clips clips --out "
        "dataset/tacos --split test",
    )
    options.add_argument("--source", required=True, help="a pickle of sentences, such as train_clip-sentvec.pkl")
    options.add_argument("--clips", required=True, help="folder of the .npy files of clips")
    options.add_argument("--out", default="dataset/tacos", help="output folder (default: %(default)s)")
    options.add_argument("--split", required=True, help="name of the annotations, such as train")
    options.add_argument(
        "--shortest", type=positive_int, default=64, help="frames of the clips taken (default: %(default)s)"
    )
    return options


def main(argv=None):
    """Entry point; exits the process."""
    run_command(parser(), run, argv)


def run(args):
    """Runs the command."""
    count = convert_tacos(args.source, args.clips, args.out, args.split, args.shortest)
    logger.info("%s: %d sentences", pathlib.Path(args.out) / f"{args.split}.json", count)


if __name__ == "__main__":
    main()
