"""Creates files of features of pairs of digits: rows of drawn digits as frames, spectra of spoken ones as their sound.

python PaddleCV/tools/make_digit_pairs.py --out dataset/digit_pairs --recordings dataset/fsdd
"""

import importlib
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
from common.vision.feature_files import quantize  # noqa: E402

RATE, WINDOW, HOP = 8000, 254, 160  # of the sound: 128 numbers each 20 ms
HELD_OUT = 5  # recordings 0 to 4 of each speaker and digit are for evaluation


def make_digit_pairs(out, train=400, evaluation=100, recordings=None, seed=0):
    """Writes the dataset to a temporary folder next to `out`, which must not exist, and renames it.

    `out` gets `<split>/<number>.npz` (rgb uint8 [T, 8], audio uint8 [T, 128]), `train_list.txt`, `val_list.txt` (a path
    and the ids of one or two classes per line) and `labels.txt`.

    Args:
        out (str | Path): output folder.
        train (int): training pairs.
        evaluation (int): evaluation pairs.
        recordings (str | None): folder of the Free Spoken Digit Dataset; tones stand for the words when None.
        seed (int): random seed.
    """
    out = pathlib.Path(out)
    if out.exists():
        raise ConfigError(f"{out} exists; remove it, or give another --out")
    digits = importlib.import_module(f"{KIT.name}.data.digits")
    spoken = read_recordings(recordings) if recordings else {"train": make_tones(seed), "val": make_tones(seed + 1)}
    temporary = out.with_name(f"{out.name}.tmp-{os.getpid()}")
    try:
        for split, source, count in (("train", "train", train), ("val", "eval", evaluation)):
            (temporary / split).mkdir(parents=True)
            images, values = digits.split_digits(seed)[source]
            rng, lines = random_for(seed, len(split)), []
            for number in range(count):
                pair = rng.integers(0, 10, 2)
                parts = [make_part(int(digit), images[values == digit], spoken[split], rng) for digit in pair]
                rgb, audio = (quantize(np.concatenate(arrays)) for arrays in zip(*parts))
                np.savez_compressed(temporary / split / f"{number:04d}.npz", rgb=rgb, audio=audio)
                lines.append(f"{split}/{number:04d}.npz {','.join(map(str, sorted(set(pair.tolist()))))}\n")
            (temporary / f"{split}_list.txt").write_text("".join(lines), encoding="utf-8")
        (temporary / "labels.txt").write_text("".join(f"{digit}\n" for digit in range(10)), encoding="utf-8")
        temporary.rename(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def make_part(digit, images, spoken, rng):
    """One digit: the rows of an image [T, 8], from top to bottom over the time of its sound, and its sound [T, 128]."""
    audio = spoken[digit][rng.integers(len(spoken[digit]))]
    image = images[rng.integers(len(images))] / 4 - 2  # 0 to 16 becomes -2 to 2
    return image[np.arange(len(audio)) * 8 // len(audio)], audio


def read_recordings(folder):
    """The spectra of spoken digits, {split: {digit: list of float32 [T, 128]}}; raises DataError without recordings."""
    from common.audio.reading import decode_audio

    found = {split: {digit: [] for digit in range(10)} for split in ("train", "val")}
    for path in sorted(pathlib.Path(folder).rglob("*_*_*.wav")):
        digit, _, number = path.stem.split("_")
        audio, rate = decode_audio(path.read_bytes(), str(path), channel=0)
        if rate != RATE:
            raise DataError(f"error[D143] {path}: {rate} Hz; the recordings of this dataset have {RATE} Hz")
        found["val" if int(number) < HELD_OUT else "train"][int(digit)].append(spectra(audio))
    for split, words in found.items():
        if not all(words.values()):
            raise DataError(f"error[D117] {folder}: not all ten digits have recordings for {split}")
    return found


def spectra(audio):
    """Logarithms of the power of a sound, about 0 and within -2 to 2, float32 [T, 128]."""
    count = max(1, 1 + (len(audio) - WINDOW) // HOP)
    audio = np.pad(audio, (0, max(0, WINDOW - len(audio))))
    frames = np.stack([audio[k * HOP : k * HOP + WINDOW] for k in range(count)]) * np.hanning(WINDOW)
    power = np.log(np.abs(np.fft.rfft(frames, axis=1)) ** 2 + 1e-6)
    return (0.5 * (power - power.mean()) / (power.std() + 1e-6)).clip(-2, 2).astype(np.float32)


def make_tones(seed):
    """Spectra of tones that rise or fall, a pitch and a direction for each digit, {digit: list of float32 [T, 128]}."""
    rng, found = random_for(seed, 1), {}
    for digit in range(10):
        found[digit] = []
        for _ in range(6):
            time = np.arange(int(rng.integers(14, 22)) * HOP + WINDOW) / RATE
            pitch = 300 + 300 * (digit // 2) + (1 - 2 * (digit % 2)) * 400 * (time - time[-1] / 2)
            tone = np.sin(2 * np.pi * np.cumsum(pitch) / RATE) + 0.1 * rng.normal(size=len(time))
            found[digit].append(spectra(tone))
    return found


def parser():
    """The command-line parser."""
    options = Parser(
        prog="make_digit_pairs.py",
        description=__doc__.splitlines()[0],
        epilog="example: python PaddleCV/tools/make_digit_pairs.py --out dataset/digit_pairs --recordings dataset/fsdd",
    )
    options.add_argument("--out", default="dataset/digit_pairs", help="output folder (default: %(default)s)")
    options.add_argument("--train", type=int, default=400, help="training pairs (default: %(default)s)")
    options.add_argument("--eval", type=int, default=100, help="evaluation pairs (default: %(default)s)")
    options.add_argument("--recordings", help="folder of the Free Spoken Digit Dataset (default: made tones)")
    options.add_argument("--seed", type=int, default=0, help="random seed (default: %(default)s)")
    return options


def main(argv=None):
    """Entry point; exits the process."""
    run_command(parser(), run, argv)


def run(args):
    """Runs the command."""
    make_digit_pairs(args.out, args.train, args.eval, args.recordings, args.seed)
    logger.info("%s written: %d and %d pairs of digits", args.out, args.train, args.eval)


if __name__ == "__main__":
    main()
