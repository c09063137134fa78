"""Creates a speech dataset in the layout of LJ Speech with the synthesizer espeak-ng: train.csv, eval.csv, wavs/.

apt-get install espeak-ng
python tools/make_spoken_words.py dataset/spoken_words

Each text is one to three of 30 words; no text of eval.csv is in train.csv. With several --voice, each text is spoken by
one of them, whose name is in a fourth column. --texts FILE gives the sentences of a file instead, one per line.
"""

import argparse
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)

from common.commands.main import run_command  # noqa: E402
from common.commands.parser import Parser, positive_int  # noqa: E402
from common.data.transform import random_for  # noqa: E402
from common.errors import ConfigError, DataError, EnvironmentProblem  # noqa: E402
from common.files import read_lines  # noqa: E402

PROGRAM = "espeak-ng"
WORDS = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "red", "green", "blue", "yellow",
    "white", "black", "houses", "horses", "gardens", "rivers", "letters", "candles", "are", "open", "old", "small",
    "going", "home", "to", "the",
]  # fmt: skip
MOST_DRAWS = 100  # for each text that is still missing


def parser():
    """The command-line parser."""
    options = Parser(
        prog="make_spoken_words.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("folder", type=pathlib.Path, help="output folder")
    options.add_argument("--train", type=positive_int, default=600, help="training recordings (default 600)")
    options.add_argument("--eval", type=positive_int, default=60, help="evaluation recordings (default 60)")
    options.add_argument("--voice", nargs="+", default=["en-us"], help="voices of espeak-ng (default en-us)")
    options.add_argument("--speed", type=positive_int, default=150, help="words per minute (default 150)")
    options.add_argument("--texts", metavar="FILE", help="a file with one sentence a line, instead of the 30 words")
    options.add_argument("--seed", type=int, default=0, help="random seed (default 0)")
    return options


def main(argv=None):
    """Runs the command and exits."""
    run_command(parser(), make, argv)


def make(args):
    """Writes the lists and the recordings."""
    program = shutil.which(PROGRAM)
    if program is None:
        raise EnvironmentProblem(f"the program {PROGRAM} is not installed\n  fix: {__doc__.splitlines()[2]}")
    texts = choose_texts(args.train + args.eval, args.seed, args.texts)
    (args.folder / "wavs").mkdir(parents=True, exist_ok=True)
    for split, part in (("train", texts[: args.train]), ("eval", texts[args.train :])):
        rows = [(f"{split}_{k:05d}", text, args.voice[k % len(args.voice)]) for k, text in enumerate(part)]
        jobs = [(program, args.folder / "wavs" / f"{name}.wav", text, voice, args.speed) for name, text, voice in rows]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(speak, jobs))
        ends = [f"|{voice}" * (len(args.voice) > 1) for *_, voice in rows]
        lines = [f"{name}|{text}|{text}{end}\n" for (name, text, _), end in zip(rows, ends)]
        (args.folder / f"{split}.csv").write_text("".join(lines), encoding="utf-8")
        sys.stdout.write(f"{args.folder / split}.csv: {len(lines)} recordings\n")


def choose_texts(count, seed, file=None):
    """Different texts (list[str]) in random order.

    Args:
        count (int): how many.
        seed (int): random seed.
        file (str | None): the sentences to choose from, one per line; None for words at random.

    Raises:
        ConfigError: there are not as many.
        DataError: a sentence has a bar, which divides the columns.
    """
    rng = random_for(seed)
    if file:
        sentences = {" ".join(line.split()): number for number, line in enumerate(read_lines(file), 1) if line.strip()}
        bad = next((number for text, number in sentences.items() if "|" in text), None)
        if bad:
            raise DataError(f"error[D118] {file}: line {bad}: has a bar, which divides the columns")
        texts = [list(sentences)[k] for k in rng.permutation(len(sentences))[:count]]
    else:
        texts = {}
        for _ in range(MOST_DRAWS * count):
            if len(texts) == count:
                break
            texts[" ".join(rng.choice(WORDS, rng.integers(1, 4)))] = None
        texts = list(texts)
    if len(texts) < count:
        raise ConfigError(f"--train and --eval ask for {count} texts; there are {len(texts)}")
    return texts


def speak(job):
    """Writes one recording; the job is (program, file, text, voice, words per minute)."""
    program, path, text, voice, speed = job
    command = [program, "-v", voice, "-s", str(speed), "-w", str(path), "--", text]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not path.is_file():
        raise ConfigError(f"{PROGRAM} -v {voice}: {(done.stderr or 'no sound').strip()[:200]}")


if __name__ == "__main__":
    main()
