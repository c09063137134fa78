"""Writes the features of recordings and a state for every frame, as archives of Kaldi, for DeepASR.

python tools/make_frames.py dataset/fsdd/train.jsonl dataset/fsdd_frames --eval dataset/fsdd/eval.jsonl --rate 8000
python tools/make_frames.py train.jsonl dataset/mine_frames --eval dev.jsonl --units letters --states 1

The states of a text are spread evenly over its frames, a first alignment without any other model. Each word, or each
letter, has states of its own. Written are feats.ark, labels.ark, their indexes and text in train/ and eval/;
states.txt, lexicon.txt, and counts.txt, the frames of each state in the training data.
"""

import importlib
import pathlib
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)
    import common  # noqa: F401  starts again in .venv where this Python lacks the dependencies

import numpy as np  # noqa: E402

from common.audio.decode import DecodeAudio  # noqa: E402
from common.audio.filter_bank import FilterBank  # noqa: E402
from common.audio.kaldi_files import Writer  # noqa: E402
from common.commands.main import run_command  # noqa: E402
from common.commands.parser import Parser  # noqa: E402
from common.errors import ConfigError  # noqa: E402
from common.log import logger  # noqa: E402
from common.text.vocabulary import write_tokens  # noqa: E402

AudioManifest = importlib.import_module(f"{KIT.name}.data.audio_manifest").AudioManifest
UNITS = ("words", "letters")


def parser():
    """The command-line parser."""
    options = Parser(
        prog="make_frames.py", description=__doc__.splitlines()[0], epilog="\n".join(__doc__.splitlines()[2:])
    )
    options.add_argument("train", type=pathlib.Path, help="manifest of the training recordings")
    options.add_argument("folder", type=pathlib.Path, help="output folder")
    options.add_argument("--eval", type=pathlib.Path, required=True, help="manifest of the evaluation recordings")
    options.add_argument("--units", choices=UNITS, default="words", help="what has states of its own (words)")
    options.add_argument("--states", type=int, default=3, help="states of a word or letter (default 3)")
    options.add_argument("--rate", type=int, default=16000, help="sample rate in Hz (default 16000)")
    options.add_argument("--bins", type=int, default=80, help="filter bank features of a frame (default 80)")
    return options


def main(argv=None):
    """Runs the command and exits."""
    run_command(parser(), write, argv)


def write(args):
    """Writes the archives and prints their sizes."""
    made = make_frames(args.train, args.folder, args.eval, args.units, args.states, args.rate, args.bins)
    sys.stdout.write(made)


def make_frames(train, folder, evaluation, units="words", states=3, rate=16000, bins=80):
    """Writes the archives of two manifests.

    Args:
        train (Path): manifest of the training recordings.
        folder (Path): output folder, created if missing.
        evaluation (Path): manifest of the evaluation recordings.
        units (str): words or letters.
        states (int): of each unit.
        rate (int): sample rate of the features in Hz.
        bins (int): features of a frame.

    Returns:
        str: what was written.

    Raises:
        ConfigError: a number is out of range.
        DataError: a manifest or a recording cannot be read.
    """
    if states < 1 or bins < 1:
        raise ConfigError(f"--states is {states}, --bins {bins}; both must be at least 1")
    folder = pathlib.Path(folder)
    sets = {"train": AudioManifest(train), "eval": AudioManifest(evaluation)}
    words = sorted({word for dataset in sets.values() for sample in dataset.samples for word in sample["text"].split()})
    parts = words if units == "words" else sorted({letter for word in words for letter in word})
    names = [f"{part}_{k}" for part in parts for k in range(states)]
    lexicon = {
        word: [f"{part}_{k}" for part in ([word] if units == "words" else word) for k in range(states)]
        for word in words
    }
    numbers = {name: k for k, name in enumerate(names)}
    made, counts = [], np.zeros(len(names), np.int64)
    for split, dataset in sets.items():
        frames = write_split(folder / split, dataset, lexicon, numbers, (rate, bins), counts, split == "train")
        made.append(f"{folder / split}: {frames} frames\n")
    write_tokens(folder / "states.txt", names)
    lines = "".join(f"{word} {' '.join(chain)}\n" for word, chain in lexicon.items())
    (folder / "lexicon.txt").write_text(lines, encoding="utf-8")
    (folder / "counts.txt").write_text("".join(f"{count}\n" for count in counts), encoding="utf-8")
    return "".join(made)


def write_split(folder, dataset, lexicon, numbers, settings, counts, count):
    """Writes feats.ark, labels.ark and text of a manifest; adds the labels to the counts; the frames written."""
    rate, bins = settings
    decode, features = DecodeAudio(rate), FilterBank(bins)
    folder.mkdir(parents=True, exist_ok=True)
    texts, total, short = [], 0, 0
    with Writer(folder / "feats.ark") as matrices, Writer(folder / "labels.ark") as labels:
        for k, sample in enumerate(dataset.samples):
            name, text = f"{pathlib.Path(sample['path']).stem.replace(' ', '_')}-{k:06d}", sample["text"]
            found = features(decode(dict(sample), None), None)["features"]
            chain = np.array([numbers[state] for word in text.split() for state in lexicon[word]])
            if len(found) < len(chain):
                short += 1
                continue
            aligned = chain[np.arange(len(found)) * len(chain) // len(found)]
            matrices.write(name, found)
            labels.write(name, aligned.astype(np.int32))
            texts.append(f"{name} {text}\n")
            total += len(found)
            if count:
                counts += np.bincount(aligned, minlength=len(counts))
    if short:
        logger.warning("%s: %d recordings left out, which have fewer frames than states", folder, short)
    (folder / "text").write_text("".join(texts), encoding="utf-8")
    return total


if __name__ == "__main__":
    main()
