"""Rewrites published dialogues in the formats of dialogue understanding: replies to choose from, or states.

python PaddleNLP/tools/make_dialogues.py duconv dataset/duconv/dev.txt --out dataset/duconv_replies
python PaddleNLP/tools/make_dialogues.py duconv_knowledge dataset/duconv/dev.txt --out dataset/duconv_knowledge
python PaddleNLP/tools/make_dialogues.py mutual dataset/mutual --out dataset/mutual_replies
python PaddleNLP/tools/make_dialogues.py mutual_options dataset/mutual --out dataset/mutual_replies
python PaddleNLP/tools/make_dialogues.py grade dataset/dialogue_ratings/grade_human.jsonl --out dataset/reply_grades
python PaddleNLP/tools/make_dialogues.py woz2 dataset/woz2 --out dataset/woz2_states
"""

import gzip
import json
import pathlib
import sys
from collections import Counter

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)

from common.commands.main import run_command  # noqa: E402
from common.commands.parser import Parser  # noqa: E402
from common.data.transform import random_for  # noqa: E402
from common.errors import ConfigError, DataError  # noqa: E402
from common.files import parse_json, read_lines  # noqa: E402
from common.text.knowledge import SEPARATOR, session_of  # noqa: E402
from common.text.vocabulary import frequent_tokens  # noqa: E402

FACT = "<fact>"  # the word that marks a fact among turns
WOZ = {"train": "train", "validate": "dev", "test": "test"}
FOLDS = 5
HELD_OUT, NEGATIVES = 200, {"train": 1, "dev": 9, "test": 9}


def parser():
    """The command-line parser."""
    options = Parser(
        prog="make_dialogues.py", description=__doc__.splitlines()[0], epilog="\n".join(__doc__.splitlines()[2:])
    )
    options.add_argument("kind", choices=sorted(MAKERS), help="the published set")
    options.add_argument(
        "source", metavar="PATH", help="the file of DuConv or of GRADE, or the folder of MuTual or of WOZ 2.0"
    )
    options.add_argument("--seed", type=int, default=0, help="of the wrong replies (default 0)")
    options.add_argument("--out", required=True, metavar="FOLDER", help="output folder")
    return options


def duconv(source, rng):
    """The bot's turns of DuConv's sessions with the turns before them, and wrong replies from other sessions.

    The last 200 sessions are the test split with 9 wrong replies a turn, the 100 before them the dev split; in training
    there is 1. The vocabulary has the words that occur twice in training.

    Returns:
        dict[str, list[str]]: lines by the names of files.
    """
    sessions = []
    for number, line in enumerate(read_lines(source), 1):
        try:
            turns = parse_json(line)["conversation"]
            sessions.append([" ".join(turn.split()) for turn in turns])
        except (ValueError, KeyError, TypeError, AttributeError):
            raise DataError(f"{source}: line {number}: not an object with a list of texts 'conversation'") from None
    if len(sessions) < 2 * HELD_OUT:
        raise DataError(f"{source}: {len(sessions)} sessions; of fewer than {2 * HELD_OUT} none can be held out")
    ends = (len(sessions) - HELD_OUT - HELD_OUT // 2, len(sessions) - HELD_OUT, len(sessions))
    found, begin = {}, 0
    for (split, wrong), end in zip(NEGATIVES.items(), ends, strict=True):
        part, begin = sessions[begin:end], end
        if split == "train":
            words = Counter(word for session in part for turn in session for word in turn.split())
            found["words.txt"] = ["<unk>", *frequent_tokens(words, 2)]
        replies = [(number, turn) for number, session in enumerate(part) for turn in session[2::2]]
        lines = []
        for number, session in enumerate(part):
            for place in range(2, len(session), 2):
                history = "\t".join(session[:place])
                lines.append(f"1\t{history}\t{session[place]}")
                others = set()
                while len(others) < wrong:
                    owner, text = replies[int(rng.integers(len(replies)))]
                    if owner != number and text != session[place]:
                        others.add(text)
                lines += [f"0\t{history}\t{text}" for text in sorted(others)]
        found[f"{split}.txt"] = lines
    return found


def duconv_knowledge(source, rng):
    """DuConv's sessions, split as by `duconv`, for replies that are written; and for replies that are chosen (files
    replies.*.txt) its facts, marked by FACT, its goal and turns as the turns before a reply.

    Returns:
        dict[str, list[str]]: lines by the names of files.
    """
    lines, sessions = read_lines(source), []
    for number, line in enumerate(lines, 1):
        try:
            sessions.append(session_of(line))
        except (ValueError, KeyError, TypeError):
            raise DataError(f"{source}: line {number}: not a session of DuConv with its knowledge") from None
    if len(sessions) < 2 * HELD_OUT:
        raise DataError(f"{source}: {len(sessions)} sessions; of fewer than {2 * HELD_OUT} none can be held out")
    ends = (len(sessions) - HELD_OUT - HELD_OUT // 2, len(sessions) - HELD_OUT, len(sessions))
    found, begin = {}, 0
    for (split, wrong), end in zip(NEGATIVES.items(), ends, strict=True):
        part, found[f"{split}.txt"] = sessions[begin:end], lines[begin:end]
        begin = end
        if split == "train":
            words = Counter(word for parts in part for texts in parts[:3] for text in texts for word in text.split())
            found["words.txt"] = ["<unk>", "<s>", "</s>", SEPARATOR.strip(), FACT, *frequent_tokens(words, 2)]
        replies = [(number, turn) for number, (_, _, turns, _) in enumerate(part) for turn in turns[::2]]
        chosen = found[f"replies.{split}.txt"] = []
        for number, (goal, facts, turns, _) in enumerate(part):
            for place in range(0, len(turns), 2):
                before = "\t".join([*(f"{FACT} {fact}" for fact in facts), *goal, *turns[:place]])
                others = set()
                while len(others) < wrong:
                    owner, text = replies[int(rng.integers(len(replies)))]
                    if owner != number and text != turns[place]:
                        others.add(text)
                chosen += [f"1\t{before}\t{turns[place]}", *(f"0\t{before}\t{text}" for text in sorted(others))]
    return found


def woz2(source, rng):
    """The turns of WOZ 2.0 with the constraints of their states, and the names of all of them.

    Returns:
        dict[str, list[str]]: lines by the names of files.
    """
    found, known = {}, set()
    for theirs, ours in WOZ.items():
        file = pathlib.Path(source) / f"woz_{theirs}_en.json"
        try:
            text = file.read_bytes() if file.exists() else gzip.decompress(file.with_suffix(".json.gz").read_bytes())
            lines = [line for dialogue in json.loads(text) for line in states_of(dialogue)]
        except FileNotFoundError:
            raise DataError(f"{file}: not found, and neither is {file.name}.gz") from None
        except (ValueError, KeyError, TypeError, OSError, EOFError) as error:
            raise DataError(f"{file}: not a file of WOZ 2.0: {error}") from None
        found[f"{ours}.txt"] = lines
        known |= {name for line in lines for name in line.split("\t")[3].split()}
    return found | {"values.txt": sorted(known)}


def mutual(source, rng):
    """MuTual's dialogues (files train and dev .jsonl or .jsonl.gz), each with its right reply and that of another one.

    Returns:
        dict[str, list[str]]: lines by the names of files, and the words that occur twice in training.
    """
    found = {}
    for split in ("train", "dev"):
        file = pathlib.Path(source) / f"{split}.jsonl"
        rows = [right_reply(row) for row in objects_of(file if file.exists() else file.with_suffix(".jsonl.gz"))]
        if None in rows:
            raise DataError(f"{file}: line {rows.index(None) + 1}: no text 'article', 'options' and 'answers'")
        if split == "train":
            words = Counter(word for row in rows for text in row for word in text.split())
            found["words.txt"] = ["<unk>", *frequent_tokens(words, 2)]
        lines = ["text_a\ttext_b\tlabel"]
        for number, (said, reply) in enumerate(rows):
            other = rows[(number + 1 + int(rng.integers(len(rows) - 1))) % len(rows)][1]
            lines += [f"{said}\t{reply}\t1", f"{said}\t{other}\t0"]
        found[f"{split}.tsv"] = lines
    return found


def mutual_options(source, rng):
    """MuTual's dialogues, each with its four replies, one of which is right; a half of its dev split is the test split.

    Returns:
        dict[str, list[str]]: lines by the names of files, four for a dialogue.
    """
    found = {}
    for split in ("train", "dev"):
        file = pathlib.Path(source) / f"{split}.jsonl"
        groups = []
        for number, row in enumerate(objects_of(file if file.exists() else file.with_suffix(".jsonl.gz")), 1):
            right = right_reply(row)
            if right is None or not all(isinstance(reply, str) for reply in row["options"]):
                raise DataError(f"{file}: line {number}: no text 'article', 'options' and 'answers'")
            replies = [" ".join(reply.split()) for reply in row["options"]]
            groups.append([f"{int(reply == right[1])}\t{right[0]}\t{reply}" for reply in replies])
        half = len(groups) // 2
        parts = {"train": groups} if split == "train" else {"dev": groups[:half], "test": groups[half:]}
        found |= {f"{name}.txt": [line for group in part for line in group] for name, part in parts.items()}
    return found


def right_reply(row):
    """(dialogue, reply that is right) of an object of MuTual; None where it has another form."""
    try:
        texts = row["article"], row["options"]["ABCD".index(row["answers"])]
        return tuple(" ".join(text.split()) for text in texts)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        return None


def grade(source, rng):
    """Replies with the mean of people's ratings, 1 to 5, as 0 to 2, in five folds of dialogues: for each fold, which is
    its test split, the next one as dev split and the others to train on.

    Returns:
        dict[str, list[str]]: lines by the names of files.
    """
    rows = []
    for number, row in enumerate(objects_of(source), 1):
        try:
            context, reply, score = row["context"], row["response"], (float(row["score"]) - 1) / 2
            texts = [" ".join(text.split()) for text in (" ".join(context), reply)]
        except (KeyError, TypeError, ValueError, AttributeError):
            raise DataError(f"{source}: line {number}: no list 'context', text 'response' and number 'score'") from None
        if all(texts):
            rows.append((*texts, f"{score:.4f}"))
    dialogues = list(dict.fromkeys(said for said, *_ in rows))
    if len(dialogues) < FOLDS:
        raise DataError(f"{source}: {len(dialogues)} dialogues; {FOLDS} folds need {FOLDS} at least")
    folds = {dialogues[place]: rank % FOLDS for rank, place in enumerate(rng.permutation(len(dialogues)).tolist())}
    found = {}
    for fold in range(FOLDS):
        parts = {"train": [], "dev": [], "test": []}
        for row in rows:
            apart = (folds[row[0]] - fold) % FOLDS
            parts["test" if apart == 0 else "dev" if apart == 1 else "train"].append("\t".join(row))
        found |= {f"{split}.{fold}.tsv": ["text_a\ttext_b\tlabel", *lines] for split, lines in parts.items()}
    return found


def objects_of(file):
    """The JSON objects of the lines of a file, or of one that gzip packed."""
    try:
        data = pathlib.Path(file).read_bytes()
        text = (gzip.decompress(data) if str(file).endswith(".gz") else data).decode()
        return [parse_json(line) for line in text.splitlines() if line.strip()]
    except FileNotFoundError:
        raise DataError(f"{file}: not found") from None
    except (ValueError, OSError, EOFError) as error:
        raise DataError(f"{file}: not lines of JSON: {error}") from None


def states_of(dialogue):
    """A line for each turn of a dialogue (list[str])."""
    lines = []
    for turn in dialogue["dialogue"]:
        slots = [pair for act in turn["belief_state"] if act["act"] == "inform" for pair in act["slots"]]
        names = sorted({f"{slot}={value}".replace(" ", "_") for slot, value in slots})
        texts = [" ".join(turn[key].split()) for key in ("system_transcript", "transcript")]
        lines.append(
            "\t".join([str(dialogue["dialogue_idx"]), str(turn["turn_idx"]), "\x01".join(texts), " ".join(names)])
        )
    return lines


MAKERS = {
    "duconv": duconv, "duconv_knowledge": duconv_knowledge, "mutual": mutual, "mutual_options": mutual_options,
    "grade": grade, "woz2": woz2,
}  # fmt: skip


def write(args):
    """Writes the files."""
    out = pathlib.Path(args.out)
    if out.resolve() == pathlib.Path(args.source).resolve():
        raise ConfigError("--out is the folder that is read; name another one")
    found = MAKERS[args.kind](args.source, random_for(args.seed))
    out.mkdir(parents=True, exist_ok=True)
    for name, lines in found.items():
        (out / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        sys.stdout.write(f"{out / name}: {len(lines)} lines\n")


def main(argv=None):
    """Runs the command and exits."""
    run_command(parser(), write, argv)


if __name__ == "__main__":
    main()
