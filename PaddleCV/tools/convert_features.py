"""Converts the pickled features of the original video kit to a file of each video that unpickles nothing, and a list.

python PaddleCV/tools/convert_features.py --source train*.pkl --out dataset/youtube8m --list train_list.txt
"""

import glob
import pathlib
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)
    import common  # noqa: F401  starts again in .venv where this Python lacks the dependencies

import numpy as np  # noqa: E402

from common.commands.main import run_command  # noqa: E402
from common.commands.parser import Parser  # noqa: E402
from common.errors import ConfigError, DataError  # noqa: E402
from common.log import logger  # noqa: E402
from common.weights.pdparams import read_pickled  # noqa: E402

STREAMS = {"feature": "rgb", "rgb": "rgb", "audio": "audio"}  # names of the original -> of the arrays


def convert_features(sources, out, list_name):
    """Writes `<out>/<list_name without suffix>/<video>.npz` of each record, and the list of them.

    Args:
        sources (list[str | Path]): pickles, each a list of dicts with `feature` (or `rgb`), `audio`, `label`, `video`.
            Read by the restricted reader: a file that would execute anything is refused.
        out (str | Path): output folder.
        list_name (str): name of the list, `path id,id,...` per line.

    Returns:
        int: the number of videos.

    Raises:
        DataError: a record has no features or no classes; names file and record.
        EnvironmentProblem: a file cannot be read, or refers to code.
    """
    out, lines, seen = pathlib.Path(out), [], set()
    if (out / list_name).exists():
        raise ConfigError(f"{out / list_name} exists; remove it, or give another --list")
    folder = pathlib.Path(list_name).stem
    (out / folder).mkdir(parents=True, exist_ok=True)
    for source in sources:
        records = read_pickled(source)
        if not isinstance(records, list | tuple):
            raise DataError(f"error[D113] {source}: holds a {type(records).__name__}, not a list of videos")
        for number, record in enumerate(records):
            arrays, classes, video = read_record(record, f"{source}: record {number}")
            name = "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in video) or str(number)
            while name in seen:
                name += "_"
            seen.add(name)
            np.savez(out / folder / f"{name}.npz", **arrays)
            lines.append(f"{folder}/{name}.npz {','.join(map(str, classes))}\n")
    (out / list_name).write_text("".join(lines), encoding="utf-8")
    return len(lines)


def read_record(record, place):
    """The arrays of a record, its class ids and the name of its video; raises DataError."""
    if not isinstance(record, dict):
        raise DataError(f"error[D113] {place}: is a {type(record).__name__}, not a dict")
    record = {as_text(key): value for key, value in record.items()}
    arrays = {STREAMS[key]: np.asarray(value) for key, value in record.items() if key in STREAMS}
    if not arrays or any(array.ndim != 2 or array.dtype.kind not in "fui" for array in arrays.values()):
        shapes = ", ".join(f"{key} {list(array.shape)}" for key, array in arrays.items()) or "none"
        raise DataError(f"error[D113] {place}: has no features [frames, numbers]: {shapes}; keys: {', '.join(record)}")
    try:
        classes = sorted({int(value) for value in np.asarray(record["label"]).reshape(-1)})
    except (KeyError, TypeError, ValueError):
        raise DataError(f"error[D113] {place}: 'label' is missing, or not class ids") from None
    return arrays, classes, as_text(record.get("video", ""))


def as_text(value):
    """A str of a str or of bytes, which pickles of Python 2 have."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def parser():
    """The command-line parser."""
    options = Parser(
        prog="convert_features.py",
        description=__doc__.splitlines()[0],
        epilog="example: python PaddleCV/tools/convert_features.py --source 'train*.pkl' --out dataset/youtube8m "
        "--list train_list.txt",
    )
    options.add_argument("--source", required=True, nargs="+", help="pickles, or patterns of them")
    options.add_argument("--out", required=True, help="output folder, the root of the dataset")
    options.add_argument("--list", required=True, help="name of the list to write, such as train_list.txt")
    return options


def main(argv=None):
    """Entry point; exits the process."""
    run_command(parser(), run, argv)


def run(args):
    """Runs the command."""
    sources = [path for pattern in args.source for path in sorted(glob.glob(pattern))]
    if not sources:
        raise ConfigError(f"--source {' '.join(args.source)}: no such files")
    logger.info("%s: %d videos", pathlib.Path(args.out) / args.list, convert_features(sources, args.out, args.list))


if __name__ == "__main__":
    main()
