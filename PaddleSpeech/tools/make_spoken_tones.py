"""Creates a synthetic speech dataset whose letters are tones; for tests and for a first run.

    python PaddleSpeech/tools/make_spoken_tones.py dataset/spoken_tones --train 200 --eval 40

Each of six letters is a chord of two frequencies, followed by a short pause; a space is a longer pause.
The recordings depend on the sizes and --seed only.
"""

import argparse
import importlib
import json
import pathlib
import sys
import wave

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)
    import common  # noqa: F401  starts again in .venv where this Python lacks the dependencies

import numpy as np  # noqa: E402

from common.commands.parser import Parser  # noqa: E402
from common.data.transform import random_for  # noqa: E402
from common.text.vocabulary import list_characters, write_tokens  # noqa: E402

write_audio_manifest = importlib.import_module(f"{KIT.name}.data.manifest_files").write_audio_manifest

RATE = 8000
LETTERS = {"a": (400, 1500), "b": (550, 1900), "c": (700, 2300), "d": (850, 2700), "e": (1000, 3100), "'": (1200, 3500)}
TONE, PAUSE, SPACE = 0.07, 0.03, 0.08  # seconds


def parser():
    """The command-line parser."""
    options = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument(
        "folder", type=pathlib.Path, help="output folder: train.jsonl, eval.jsonl, train.csv, eval.csv, vocab.txt, wav/"
    )
    options.add_argument("--train", type=int, default=200, help="training recordings (default 200)")
    options.add_argument("--eval", type=int, default=40, help="evaluation recordings (default 40)")
    options.add_argument("--seed", type=int, default=0, help="random seed (default 0)")
    return options


def main(argv=None):
    """Runs the command."""
    args = parser().parse_args(argv)
    make_spoken_tones(args.folder, args.train, args.eval, args.seed)
    sys.stdout.write(f"{args.folder}\n")


def make_spoken_tones(folder, train=200, evaluation=40, seed=0):
    """Writes train.jsonl and eval.jsonl, the same as train.csv and eval.csv in the layout of LJ Speech, vocab.txt,
    tokenizer.json and the recordings, 8 kHz, 0.3 to 1 second each.

    Args:
        folder (str | Path): created if missing.
        train (int): training recordings.
        evaluation (int): evaluation recordings.
        seed (int): random seed.
    """
    folder = pathlib.Path(folder)
    (folder / "wav").mkdir(parents=True, exist_ok=True)
    for number, (split, count) in enumerate((("train", train), ("eval", evaluation))):
        rows = []
        for k in range(count):
            rng = random_for(seed, number, k)
            text, path = random_text(rng), folder / "wav" / f"{split}_{k:04d}.wav"
            write_wav(path, synthesize(text, rng))
            rows.append({"path": path, "text": text})
        write_audio_manifest(folder / f"{split}.jsonl", rows)
        lines = [f"{row['path'].stem}|{row['text']}|{row['text']}\n" for row in rows]
        (folder / f"{split}.csv").write_text("".join(lines), encoding="utf-8")
    write_tokens(folder / "vocab.txt", list_characters([" ", *LETTERS]))
    pairs = {"type": "BPE", "vocab": {token: k for k, token in enumerate([*LETTERS, "\u0120", "\u0120a"])}}
    model = pairs | {"merges": ["\u0120 a"]}  # U+0120 stands for the space
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    tokenizer = {"version": "1.0", "added_tokens": [], "pre_tokenizer": level, "decoder": level, "model": model}
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")


def random_text(rng):
    """One or two words of one to three letters."""
    words = ["".join(rng.choice(list(LETTERS), rng.integers(1, 4))) for _ in range(rng.integers(1, 3))]
    return " ".join(words)


def synthesize(text, rng):
    """The samples float32 [S] of a text, with a little noise."""
    parts = [np.zeros(int(RATE * rng.uniform(0.05, 0.1)))]
    for letter in text:
        if letter == " ":
            parts.append(np.zeros(int(RATE * SPACE)))
            continue
        time = np.arange(int(RATE * TONE * rng.uniform(0.9, 1.1))) / RATE
        low, high = (2 * np.pi * frequency * rng.uniform(0.98, 1.02) * time for frequency in LETTERS[letter])
        parts += [np.hanning(len(time)) * (np.sin(low) + np.sin(high)), np.zeros(int(RATE * PAUSE))]
    parts.append(np.zeros(int(RATE * 0.05)))
    audio = np.concatenate(parts) * 0.3 * 10 ** rng.uniform(-0.3, 0.0)
    return (audio + 0.003 * rng.standard_normal(len(audio))).astype(np.float32)


def write_wav(path, audio):
    """Writes samples as a 16-bit WAV file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(audio, -1, 1) * 32767).round().astype("<i2").tobytes())


if __name__ == "__main__":
    main()
