"""Creates manifests of the Free Spoken Digit Dataset: train.jsonl, eval.jsonl, vocab.txt.

python tools/make_fsdd.py free-spoken-digit-dataset/recordings dataset/fsdd                   # speaker theo held out
python tools/make_fsdd.py free-spoken-digit-dataset/recordings dataset/fsdd --held-out lucas
python tools/make_fsdd.py free-spoken-digit-dataset/recordings dataset/fsdd --random 0.1      # of all speakers
"""

import importlib
import pathlib
import re
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)

from common.commands.main import run_command  # noqa: E402
from common.commands.parser import Parser  # noqa: E402
from common.data.transform import random_for  # noqa: E402
from common.errors import ConfigError, DataError, DataIssue  # noqa: E402
from common.suggest import did_you_mean  # noqa: E402
from common.text.vocabulary import list_characters, write_tokens  # noqa: E402

write_audio_manifest = importlib.import_module(f"{KIT.name}.data.manifest_files").write_audio_manifest

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
NAME = re.compile(r"(\d)_(\w+)_(\d+)\.wav")


def parser():
    """The command-line parser."""
    options = Parser(
        prog="make_fsdd.py", description=__doc__.splitlines()[0], epilog="\n".join(__doc__.splitlines()[2:])
    )
    options.add_argument("recordings", type=pathlib.Path, help="the folder of {digit}_{speaker}_{number}.wav")
    options.add_argument("folder", type=pathlib.Path, help="output folder")
    options.add_argument(
        "--held-out", nargs="+", default=["theo"], metavar="SPEAKER", help="speakers of the evaluation set (theo)"
    )
    options.add_argument(
        "--random", type=float, metavar="SHARE", help="hold out this share of each speaker's recordings"
    )
    options.add_argument("--seed", type=int, default=0, help="random seed of --random (default 0)")
    return options


def main(argv=None):
    """Runs the command and exits."""
    run_command(parser(), write, argv)


def write(args):
    """Writes the manifests and the vocabulary."""
    rows = recordings(args.recordings)
    if args.random is None:
        parts = by_speaker(rows, args.held_out)
    else:
        parts = at_random(rows, args.random, args.seed)
    for name, part in zip(("train", "eval"), parts):
        path = args.folder / f"{name}.jsonl"
        seconds = write_audio_manifest(path, part)
        speakers = ", ".join(sorted({row["speaker"] for row in part}))
        sys.stdout.write(f"{path}: {len(part)} recordings of {speakers}, {seconds / 60:.1f} minutes\n")
    write_tokens(args.folder / "vocab.txt", list_characters(WORDS))


def recordings(folder):
    """The recordings of a folder, sorted by name (list of dict with path, text, speaker)."""
    rows = []
    for path in sorted(folder.glob("*.wav")):
        found = NAME.fullmatch(path.name)
        if found:
            rows.append({"path": path, "text": WORDS[int(found[1])], "speaker": found[2]})
    if not rows:
        message = "holds no {digit}_{speaker}_{number}.wav"
        raise DataError(str(DataIssue("D104", "error", str(folder), message, fix="name the folder recordings/")))
    return rows


def by_speaker(rows, held_out):
    """(training rows, rows of the held-out speakers)."""
    speakers = sorted({row["speaker"] for row in rows})
    for name in held_out:
        if name not in speakers:
            raise ConfigError(
                f"--held-out {name}: the speakers are {', '.join(speakers)}{did_you_mean(name, speakers)}"
            )
    if len(set(held_out)) == len(speakers):
        raise ConfigError("--held-out: no speaker is left for training")
    out = set(held_out)
    return [row for row in rows if row["speaker"] not in out], [row for row in rows if row["speaker"] in out]


def at_random(rows, share, seed):
    """(training rows, a random share of the rows of each speaker)."""
    if not 0 < share < 1:
        raise ConfigError(f"--random is {share}; it must be between 0 and 1")
    held_out = set()
    for number, speaker in enumerate(sorted({row["speaker"] for row in rows})):
        own = [k for k, row in enumerate(rows) if row["speaker"] == speaker]
        order = random_for(seed, number).permutation(len(own))
        held_out |= {own[k] for k in order[: max(1, round(share * len(own)))]}
    return [row for k, row in enumerate(rows) if k not in held_out], [rows[k] for k in sorted(held_out)]


if __name__ == "__main__":
    main()
