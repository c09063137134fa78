"""Creates small synthetic datasets in every format of this kit, with a pattern to learn; for tests and for a first run.

    python PaddleRec/tools/make_rows.py sessions dataset/sessions --train 2000 --eval 400

The rows depend on the kind, the sizes and --seed only.
"""

import argparse
import pathlib
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)
    import common  # noqa: F401  starts again in .venv where this Python lacks the dependencies

import numpy as np  # noqa: E402

from common.commands.main import run_command  # noqa: E402
from common.commands.parser import Parser  # noqa: E402

ITEMS, GROUPS, SLOTS = 60, 6, 5


def parser():
    """The command-line parser."""
    options = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("kind", choices=[*KINDS, "hours"], help="format of the rows; hours: slots in hourly folders")
    options.add_argument("folder", type=pathlib.Path, help="output folder: train.txt and eval.txt")
    options.add_argument("--train", type=int, default=2000, help="training rows (default 2000)")
    options.add_argument("--eval", type=int, default=400, help="evaluation rows (default 400)")
    options.add_argument("--seed", type=int, default=0, help="random seed (default 0)")
    return options


def main(argv=None):
    """Runs the command and exits."""
    run_command(parser(), write, argv)


def write(args):
    """Writes the dataset."""
    if args.kind == "hours":
        make_hours(args.folder, rows=args.train, seed=args.seed)
    else:
        make_rows(args.kind, args.folder, args.train, args.eval, args.seed)
    sys.stdout.write(f"{args.folder}\n")


def make_rows(kind, folder, train=2000, evaluation=400, seed=0):
    """Writes train.txt and eval.txt into a folder.

    Args:
        kind (str): a key of KINDS.
        folder (str | Path): created if missing.
        train (int): training rows.
        evaluation (int): evaluation rows.
        seed (int): random seed.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for number, (name, rows) in enumerate((("train", train), ("eval", evaluation))):
        rng = np.random.default_rng([seed, number])
        lines = [KINDS[kind](rng, name == "train") for _ in range(rows)]
        (folder / f"{name}.txt").write_text("".join(line + "\n" for line in lines))


def session(rng, training):
    """A random walk over the items: mostly to the next one of the same group, sometimes back to the previous one."""
    items = [int(rng.integers(ITEMS))]
    for _ in range(int(rng.integers(1, 8))):
        drawn = rng.random()
        if drawn < 0.7:
            items.append((items[-1] + GROUPS) % ITEMS)
        elif drawn < 0.85 and len(items) > 1:
            items.append(items[-2])
        else:
            items.append(int(ITEMS * rng.random() ** 2))
    return " ".join(f"i{item}" for item in items)


def history(rng, training):
    """A user who prefers two groups and clicks their items more often, and some items more than others."""
    liked = rng.choice(GROUPS, 2, replace=False)
    items = [int(rng.choice(liked)) + GROUPS * int(rng.integers(ITEMS // GROUPS)) for _ in range(rng.integers(0, 9))]
    item = int(rng.integers(ITEMS))
    share = (
        (0.75 if items and item % GROUPS in {i % GROUPS for i in items} else 0.25) + 0.2 * ((item * 7) % 10 < 5) - 0.1
    )
    words = " ".join(f"i{i}" for i in items), " ".join(f"g{i % GROUPS}" for i in items)
    return f"{words[0]};{words[1]};i{item};g{item % GROUPS};{int(rng.random() < share)}"


def sentence(rng, training):
    """Pairs of words that occur together (a3 b3); for evaluation, an analogy a1 b1 a2 b2."""
    if not training:
        first, second = rng.choice(12, 2, replace=False)
        return f"a{first} b{first} a{second} b{second}"
    words = []
    for pair in rng.integers(12, size=6):
        words += [f"a{pair}", "left", f"topic{pair}"] if rng.random() < 0.5 else [f"b{pair}", "right", f"topic{pair}"]
    return " ".join(words)


def tagged(rng, training):
    """A tag, and a text in which the words of the tag are frequent."""
    tag = int(rng.integers(4))
    words = [f"w{tag}_{rng.integers(8)}" if rng.random() < 0.4 else f"c{rng.integers(40)}" for _ in range(12)]
    return f"tag{tag}\t{' '.join(words)}"


def pair(rng, training):
    """A query, a title of its topic and a title of another; for evaluation, a label, a query and a title."""
    topic, other = rng.choice(8, 2, replace=False)

    def text(number, kind):
        return " ".join(
            f"{kind}{number}_{rng.integers(5)}" if rng.random() < 0.6 else f"x{rng.integers(30)}" for _ in range(6)
        )

    if training:
        return f"{text(topic, 'q')}\t{text(topic, 't')}\t{text(other, 't')}"
    label = int(rng.random() < 0.5)
    return f"{label}\t{text(topic, 'q')}\t{text(topic if label else other, 't')}"


def slots(rng, training):
    """`show click sign:slot ...`; the click depends on the signs; slots hold any number of signs."""
    words, logit = [], -0.5
    for slot in range(101, 101 + SLOTS):
        for sign in (200 * rng.random(rng.integers(0, 4)) ** 2).astype(int).tolist():
            words.append(f"{sign * 7919 + slot}:{slot}")
            logit += ((sign * 37 + slot) % 11 - 5) / 5
    return " ".join(["1", str(int(rng.random() < 1 / (1 + np.exp(-logit)))), *words])


def make_hours(folder, hours=4, rows=300, seed=0, start=0):
    """Writes click logs `20200401/HH/part-0` and `part-1` with a donefile, and eval.txt.

    Args:
        folder (str | Path): made when missing.
        hours (int): number of hours, of one day.
        rows (int): rows of an hour.
        seed (int): random seed.
        start (int): the first hour.
    """
    folder = pathlib.Path(folder)
    for hour in range(start, start + hours):
        place = folder / "20200401" / f"{hour:02d}"
        place.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng([seed, 2, hour])
        lines = [slots(rng, True) + "\n" for _ in range(rows)]
        for part in (0, 1):
            (place / f"part-{part}").write_text("".join(lines[part::2]))
        (place / "donefile").write_text("")
    rng = np.random.default_rng([seed, 1])
    (folder / "eval.txt").write_text("".join(slots(rng, False) + "\n" for _ in range(100)))


KINDS = {
    "sessions": session,
    "histories": history,
    "sentences": sentence,
    "tagged": tagged,
    "pairs": pair,
    "slots": slots,
}


if __name__ == "__main__":
    main()
