"""Creates small sets of texts for the tiny twins: opinions, pairs, names, questions and dialogues of a few words.

python PaddleNLP/tools/make_texts.py --out dataset/texts

Labels, tags and answers follow from the words, and the lines are the same on every machine.
"""

import json
import pathlib
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)

from common.commands.main import run_command  # noqa: E402
from common.commands.parser import Parser, positive_int  # noqa: E402
from common.data.transform import random_for  # noqa: E402

THINGS = ["hotel", "book", "phone", "meal", "room", "film"]
GOOD, BAD = ["good", "great", "lovely", "fine"], ["bad", "awful", "broken", "dull"]
PLACES, PEOPLE = ["paris", "rome", "oslo", "lima"], ["ann", "bob", "carl", "dora"]
QUESTIONS, STATEMENTS = ["where", "who"], ["very", "and"]
REST = ["the", "a", "was", "is", "very", "went", "to", "and", "saw", "in"]
WORDS = [*THINGS, *GOOD, *BAD, *PLACES, *PEOPLE, *REST]


def parser():
    """The command-line parser."""
    options = Parser(
        prog="make_texts.py", description=__doc__.splitlines()[0], epilog="\n".join(__doc__.splitlines()[2:])
    )
    options.add_argument("--train", type=positive_int, default=48, help="training samples of each kind (default 48)")
    options.add_argument("--eval", type=positive_int, default=16, help="evaluation samples of each kind (default 16)")
    options.add_argument("--out", required=True, metavar="FOLDER", type=pathlib.Path, help="output folder")
    return options


def main(argv=None):
    """Runs the command and exits."""
    run_command(parser(), lambda args: make_texts(args.out, args.train, args.eval), argv)


def make_texts(folder, train=48, evaluation=16):
    """Writes labeled.*.tsv, pairs.*.tsv, triples.*.txt, matches.*.tsv, running.*.txt, parallel.*.tsv, flags.*.tsv,
    scores.*.tsv, suggestions.*.csv, conll.*.txt, tagged.*.tsv, squad.*.json, documents.*.txt, vocabularies, concepts,
    and dialogues.

    Args:
        folder (Path): made if it is not there.
        train (int): samples to train on, of each kind.
        evaluation (int): samples to evaluate on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number, (split, count) in enumerate((("train", train), ("eval", evaluation))):
        rng = random_for(7, number)
        write_labeled(folder, split, count, rng)
        write_tagged(folder, split, count, rng)
        write_questions(folder, split, count, rng)
        write_numbers(folder, split, count, random_for(8, number))
        write_triples(folder, split, count, random_for(9, number))
        write_suggestions(folder, split, count, random_for(10, number))
        write_documents(folder, split, count, random_for(13, number))
    write_concepts(folder)
    write_dialogues(folder, {"train": train, "eval": evaluation})
    letters = sorted(set("".join(WORDS)))
    vocabularies = {
        "words.txt": ["[UNK]", *WORDS],
        "characters.txt": ["[UNK]", " ", *letters],
        "pieces.txt": [
            "[PAD]",
            "[UNK]",
            "[CLS]",
            "[SEP]",
            *WORDS,
            "?",
            "where",
            "who",
            *letters,
            *(f"##{c}" for c in letters),
        ],
    }
    vocabularies["masked_pieces.txt"] = [*vocabularies["pieces.txt"], "[MASK]"]
    for name, tokens in vocabularies.items():
        tokens = list(dict.fromkeys(tokens))
        (folder / name).write_text("\n".join(tokens) + "\n", encoding="utf-8")


def pick(rng, words):
    """One of some words."""
    return words[int(rng.integers(len(words)))]


def write_labeled(folder, split, count, rng):
    """Opinions with 1 for a good one, pairs with 1 where both are of the same opinion, and the opinions as a text."""
    lines, pairs = ["label\ttext_a"], ["text_a\ttext_b\tlabel"]
    for k in range(count):
        texts = []
        for liked in (k % 2, int(rng.integers(2))):
            words = [
                "the",
                pick(rng, THINGS),
                "was",
                *["very"] * int(rng.integers(3)),
                pick(rng, GOOD if liked else BAD),
            ]
            texts.append((liked, " ".join(words)))
        lines.append(f"{texts[0][0]}\t{texts[0][1]}")
        pairs.append(f"{texts[0][1]}\t{texts[1][1]}\t{int(texts[0][0] == texts[1][0])}")
    (folder / f"labeled.{split}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    running = [line.partition("\t")[2] for line in lines[1:]]
    (folder / f"running.{split}.txt").write_text("\n".join(running) + "\n", encoding="utf-8")
    turned = "".join(f"{text}\t{' '.join(reversed(text.split()))}\n" for text in running)
    (folder / f"parallel.{split}.tsv").write_text(turned, encoding="utf-8")
    (folder / f"pairs.{split}.tsv").write_text("\n".join(pairs) + "\n", encoding="utf-8")


def write_triples(folder, split, count, rng):
    """An opinion, one of the same kind and one of the other kind a line; and pairs with 1 where both say the same."""
    lines, pairs = [], ["text_a\ttext_b\tlabel"]
    for k in range(count):
        kinds = (GOOD, GOOD, BAD) if k % 2 else (BAD, BAD, GOOD)
        lines.append("\t".join(f"the {pick(rng, THINGS)} was {pick(rng, kind)}" for kind in kinds))
        text = lines[-1].split("\t")[0]
        other = text.replace("was", "was very") if k % 2 else f"{pick(rng, PEOPLE)} went to {pick(rng, PLACES)}"
        pairs.append(f"{text}\t{other}\t{k % 2}")
    (folder / f"matches.{split}.tsv").write_text("\n".join(pairs) + "\n", encoding="utf-8")
    (folder / f"triples.{split}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_numbers(folder, split, count, rng):
    """Opinions with a column for praise and one for blame, and pairs with the difference of their praise."""
    flags, scores = ["text_a\tpraise\tblame"], ["text_a\ttext_b\tlabel"]
    for _ in range(count):
        numbers = rng.integers(0, 2, (2, 2)).tolist()
        texts = [
            " ".join(["the", pick(rng, THINGS), "was", *[pick(rng, GOOD)] * good, *[pick(rng, BAD)] * bad])
            for good, bad in numbers
        ]
        flags.append("\t".join([texts[0], *map(str, numbers[0])]))
        scores.append(f"{texts[0]}\t{texts[1]}\t{float(numbers[0][0] - numbers[1][0])}")
    (folder / f"flags.{split}.tsv").write_text("\n".join(flags) + "\n", encoding="utf-8")
    (folder / f"scores.{split}.tsv").write_text("\n".join(scores) + "\n", encoding="utf-8")


def write_suggestions(folder, split, count, rng):
    """Wishes with 1 and opinions with 0, as CSV of an id, a sentence and a label without a header."""
    lines = []
    for k in range(count):
        wish, thing = k % 2, pick(rng, THINGS)
        text = f"please add a {pick(rng, GOOD)} {thing}" if wish else f"the {thing} was {pick(rng, BAD)}"
        lines.append(f'{k},"{text}, {pick(rng, PEOPLE)}!",{wish}')
    (folder / f"suggestions.{split}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_tagged(folder, split, count, rng):
    """Names and places, word by word with B, I and O, and letter by letter with -B and -I."""
    conll, tagged = [], ["text_a\tlabel"]
    for _ in range(count):
        words = [pick(rng, PEOPLE), pick(rng, PEOPLE), "went", "to", pick(rng, PLACES)][int(rng.integers(2)) :]
        tags = []
        for k, word in enumerate(words):
            kind = "PER" if word in PEOPLE else "LOC" if word in PLACES else ""
            later = k > 0 and words[k - 1] in PEOPLE and kind == "PER"
            tags.append(f"{'I' if later else 'B'}-{kind}" if kind else "O")
        conll += [f"{word} {tag}" for word, tag in zip(words, tags)] + [""]
        kinds = [tag[2:] or "v" for tag in tags]
        letters = [
            (c, f"{kind}-{'B' if k == 0 else 'I'}") for word, kind in zip(words, kinds) for k, c in enumerate(word)
        ]
        tagged.append("\x02".join(c for c, _ in letters) + "\t" + "\x02".join(tag for _, tag in letters))
    (folder / f"conll.{split}.txt").write_text("\n".join(conll), encoding="utf-8")
    (folder / f"tagged.{split}.tsv").write_text("\n".join(tagged) + "\n", encoding="utf-8")


def write_documents(folder, split, count, rng):
    """Stories of a person each, a sentence a line, as words and, in tagged_documents.*.txt, as words with tags."""
    plain, tagged = [], []
    for _ in range(count):
        person, place, thing, good = (pick(rng, words) for words in (PEOPLE, PLACES, THINGS, GOOD))
        story = [f"{person} went to {place}", f"{person} saw the {thing}", f"the {thing} was {good}"]
        kinds = dict.fromkeys(PEOPLE, "PER") | dict.fromkeys(PLACES, "LOC")
        plain += [*story, ""]
        tagged += [*(" ".join(f"{word}/{kinds.get(word, 'n')}" for word in text.split()) for text in story), ""]
    for name, lines in (("documents", plain), ("tagged_documents", tagged)):
        (folder / f"{name}.{split}.txt").write_text("\n".join(lines), encoding="utf-8")


def write_questions(folder, split, count, rng):
    """Who went where, in SQuAD's format; every eighth question has no answer."""
    paragraphs = []
    for k in range(count):
        person, place = pick(rng, PEOPLE), pick(rng, PLACES)
        context = f"{person} went to {place} and saw the {pick(rng, THINGS)}"
        asked, answer = (("who", person), ("where", place))[k % 2]
        row = {"id": f"{split}{k}", "question": f"{asked} went ?" if k % 2 == 0 else f"{asked} is {person} ?"}
        row["answers"] = [{"text": answer, "answer_start": context.index(answer)}] if k % 8 != 7 else []
        paragraphs.append({"context": context, "qas": [row]})
    tree = {"version": "1", "data": [{"title": "made", "paragraphs": paragraphs}]}
    (folder / f"squad.{split}.json").write_text(json.dumps(tree), encoding="utf-8")


def write_concepts(folder):
    """Concepts of words and of names, concepts/ and entities/, each with lexicon.txt and vectors.txt."""
    kinds = {"thing": THINGS, "praise": GOOD, "blame": BAD, "place": PLACES, "person": PEOPLE, "question": QUESTIONS}
    words = [(word, [kind, *(["noun"] if kind in ("thing", "place", "person") else ["other"])])
             for kind, group in kinds.items() for word in group]  # fmt: skip
    entities = [*((word, ["city"]) for word in PLACES), *((word, ["human", "name"]) for word in PEOPLE)]
    parts = {"concepts": (words, [*kinds, "noun", "other"], 4), "entities": (entities, ["city", "human", "name"], 3)}
    for number, (name, (lexicon, concepts, size)) in enumerate(parts.items()):
        rows = random_for(13, number).standard_normal((len(concepts), size)).round(4).tolist()
        (folder / name).mkdir(exist_ok=True)
        lines = "".join(f"{word}\t{' '.join(named)}\n" for word, named in lexicon)
        (folder / name / "lexicon.txt").write_text(lines, encoding="utf-8")
        lines = "".join(f"{one} {' '.join(map(str, row))}\n" for one, row in zip(concepts, rows, strict=True))
        (folder / name / "vectors.txt").write_text(lines, encoding="utf-8")


def write_dialogues(folder, counts):
    """Writes slots, acts, states, replies and knowledge, each *.txt of a split; values.txt names the values of states.

    Args:
        folder (Path): of words that `make_texts` knows.
        counts (dict[str, int]): lines of each split.
    """
    for number, (split, count) in enumerate(counts.items()):
        rng = random_for(10, number)
        lines = {name: [] for name in ("slots", "acts", "states", "replies")}
        for k in range(count):
            person, place, other = (words[int(rng.integers(4))] for words in (PEOPLE, PLACES, PLACES))
            lines["slots"].append(f"{person} went to {place}\tB-PER O O B-LOC")
            act = k % 2
            lines["acts"].append(
                f"{k // 4}\tA\t{'tell' if act else 'ask'}\t{(STATEMENTS if act else QUESTIONS)[k // 2 % 2]} {person}"
            )
            known = " ".join(f"to={name}" for name in sorted({place, other}))
            lines["states"] += [f"{k}\t0\t\x01went to {place}\tto={place}",
                                f"{k}\t1\twent\x01and to {other}\t{known}"]  # fmt: skip
            right, wrong = f"{person} saw {place}", f"{PEOPLE[(PEOPLE.index(person) + 1) % 4]} saw the room"
            history = f"where is {person}\t{person} went to {place}"
            lines["replies"] += [f"1\t{history}\t{right}", f"0\t{history}\t{wrong}"]
        for name, rows in lines.items():
            (folder / f"{name}.{split}.txt").write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
        write_knowledge(folder, split, count, random_for(12, number))
    names = [f"{slot}={place}" for slot in ("from", "near", "to") for place in sorted(PLACES)]
    (folder / "values.txt").write_text("".join(f"{name}\n" for name in names), encoding="utf-8")


def write_knowledge(folder, split, count, rng):
    """Sessions about where a person went, which the facts say; a word of the goal is the person."""
    lines = []
    for _ in range(count):
        person, place, thing = pick(rng, PEOPLE), pick(rng, PLACES), pick(rng, THINGS)
        facts = [[person, "went to", place], [pick(rng, PEOPLE), "saw the", thing]]
        turns = [f"{person} went to {place}", f"and saw the {thing}", f"the {thing} is good"]
        lines.append(json.dumps({"goal": [["the", person]], "knowledge": facts, "conversation": turns}))
    (folder / f"knowledge.{split}.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    main()
