"""Creates manifests of the voice prompts of Debian's asterisk-core-sounds-en-wav: train.jsonl, eval.jsonl, vocab.txt.

apt-get install asterisk-core-sounds-en asterisk-core-sounds-en-wav
python tools/make_prompts.py dataset/prompts
"""

import gzip
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
from common.errors import ConfigError, DataError, DataIssue, EnvironmentProblem  # noqa: E402
from common.files import decode_text  # noqa: E402
from common.text.vocabulary import list_characters, write_tokens  # noqa: E402

write_audio_manifest = importlib.import_module(f"{KIT.name}.data.manifest_files").write_audio_manifest

SOUNDS = "/usr/share/asterisk/sounds/en_US_f_Allison"
TEXTS = "/usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz"
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SIGNS = {"*": "star", "#": "pound"}
ASIDE = re.compile(r"\[[^\]]*\]|<[^>]*>|\([^)]*\)")  # descriptions, which are not spoken


def parser():
    """The command-line parser."""
    options = Parser(
        prog="make_prompts.py", description=__doc__.splitlines()[0], epilog="\n".join(__doc__.splitlines()[2:])
    )
    options.add_argument("folder", type=pathlib.Path, help="output folder")
    options.add_argument("--sounds", type=pathlib.Path, default=pathlib.Path(SOUNDS), help=f"default {SOUNDS}")
    options.add_argument("--texts", type=pathlib.Path, default=pathlib.Path(TEXTS), help=f"default {TEXTS}")
    options.add_argument(
        "--held-out", type=float, default=0.1, metavar="SHARE", help="share of the evaluation set (default 0.1)"
    )
    options.add_argument("--seed", type=int, default=0, help="random seed of the split (default 0)")
    return options


def main(argv=None):
    """Runs the command and exits."""
    run_command(parser(), write, argv)


def write(args):
    """Writes the manifests and the vocabulary."""
    if not 0 < args.held_out < 1:
        raise ConfigError(f"--held-out is {args.held_out}; it must be between 0 and 1")
    rows, dropped = prompts(args.sounds, args.texts)
    texts = sorted({row["text"] for row in rows})  # no text is in both parts
    order = random_for(args.seed).permutation(len(texts))
    held_out = {texts[k] for k in order[: max(1, round(args.held_out * len(texts)))]}
    for name, is_eval in (("train", False), ("eval", True)):
        path, part = args.folder / f"{name}.jsonl", [row for row in rows if (row["text"] in held_out) == is_eval]
        seconds = write_audio_manifest(path, part)
        sys.stdout.write(f"{path}: {len(part)} prompts, {seconds / 60:.1f} minutes\n")
    sys.stdout.write(f"left out: {dropped} prompts without speech, or with numbers that can be read in several ways\n")
    write_tokens(args.folder / "vocab.txt", list_characters(row["text"] for row in rows))


def prompts(sounds, texts):
    """The usable prompts (list of dict with path and text), and the number of prompts left out.

    Raises:
        EnvironmentProblem: the packages are not installed.
        DataError: the transcripts name no recording.
    """
    if not texts.is_file() or not sounds.is_dir():
        missing = sounds if texts.is_file() else texts
        raise EnvironmentProblem(f"{missing} does not exist\n  fix: {__doc__.splitlines()[2]}")
    rows, dropped = [], 0
    for line in decode_text(gzip.decompress(texts.read_bytes()), texts).splitlines():
        name, colon, written = line.partition(":")
        path = sounds / f"{name.strip()}.wav"
        if line.startswith(";") or not colon or not path.is_file():
            continue
        text = normalize(written)
        if text:
            rows.append({"path": path, "text": text})
        else:
            dropped += 1
    if not rows:
        raise DataError(str(DataIssue("D117", "error", str(texts), f"names no recording of {sounds}")))
    return rows, dropped


def normalize(written):
    """A transcript as a to z, apostrophes and single spaces; empty if it does not determine what is spoken.

    Descriptions in brackets are removed; a single digit is spelled out; longer numbers can be read in several ways.
    """
    text = ASIDE.sub(" ", written).lower()
    if re.search(r"\d[\d.]*\d|\.\d", text):
        return ""
    text = re.sub(r"\d", lambda found: f" {DIGITS[int(found[0])]} ", text)
    for sign, name in SIGNS.items():
        text = text.replace(sign, f" {name} ")
    words = (word.strip("'") for word in re.sub(r"[^a-z']", " ", text).split())
    return " ".join(word for word in words if word)


if __name__ == "__main__":
    main()
