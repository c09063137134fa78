"""The formats of dialogue understanding (DGU): slots, acts, states and replies; fields are separated by tabs."""

import numpy as np

from common.errors import ConfigError
from common.files import read_lines

from .tagged_texts import TaggedCharacters, check_row
from .text_dataset import TextDataset

TURN = "\x01"  # between the system's turn and the user's
START = "..."  # stands for what was said before the first turn


class SlotLines(TaggedCharacters):
    """Lines `text<tab>tags`: words and their tags, each separated by blanks (ATIS, SNIPS).

    A sample has `tokens`, a list of T strings, and `tags` int64 [T].

    Args:
        root (str): the folder.
        file (str): the file in it.
        labels (list[str]): tag names; null takes those of the file, sorted.
        encoding (str): character encoding of the file.
        bad_samples (str): `error`, or `skip` to leave out a few lines with errors.
    """

    def __init__(self, root, file, labels=None, encoding="utf-8", bad_samples="error"):
        TextDataset.__init__(self, root, file, labels, bad_samples)
        rows = []
        for number, fields in fields_of_lines(self, encoding, 2, "words, a tab, and a tag for each word"):
            tokens, tags = (field.split() for field in fields)
            if self.clean(fields[0], number) is not None and check_row(self, tokens, tags, number):
                rows.append((number, tokens, tags))
        self.keep(rows)

    def sample(self, tokens, ids):
        """One sample, without its path and line."""
        return {"tokens": tokens, "tags": ids}


class DialogueActs(TextDataset):
    """Lines `dialogue<tab>speaker<tab>act<tab>utterance`: the act of each utterance (Switchboard, MRDA).

    A sample has `text_a`, the utterance, `text_b`, the utterances before it with blanks between (START before the
    first one), and `label`, the number of the act.

    Args:
        root (str): the folder.
        file (str): the file in it.
        labels (list[str]): acts; null takes those of the file, sorted.
        history (int): utterances before it.
        encoding (str): character encoding of the file.
        bad_samples (str): `error`, or `skip` to leave out a few lines with errors.
    """

    def __init__(self, root, file, labels=None, history=3, encoding="utf-8", bad_samples="error"):
        super().__init__(root, file, labels, bad_samples)
        if history < 1:
            raise ValueError(f"history is {history}; allowed: 1 or more")
        rows, before, current = [], [], None
        for number, fields in fields_of_lines(self, encoding, 4, "dialogue, speaker, act and utterance"):
            dialogue, _, act, text = (field.strip() for field in fields)
            before = before if dialogue == current else []
            current, text = dialogue, self.clean(text, number)
            if text is None or not self.check_label(act, number):
                continue
            texts = {"text_a": text, "text_b": " ".join(before[-history:]) or START}
            rows.append(texts | {"label": act, "path": self.source, "place": f"line {number}"})
            before.append(text)
        names = [row["label"] for row in rows]
        numbers = {name: k for k, name in enumerate(self.wanted or sorted(set(names)))}
        self.samples = [row | {"label": numbers[row["label"]]} for row in rows]
        self.wanted = list(numbers)
        self.finalize(names)


class DialogueStates(TextDataset):
    """Lines `dialogue<tab>turn<tab>texts<tab>state`: what a user has asked for up to a turn (DSTC 2, WOZ 2.0).

    The texts are the system's and the user's turn with the byte 0x01 between, the state the names of its values with
    blanks between. A sample has `text_a`, the turn, `text_b`, those before it, the last one first (START for the first
    turn), and `label` float32 [C], 1 for the values of the state.

    Args:
        root (str): the folder.
        file (str): the file in it.
        labels (list[str]): names of the values; null takes those of `ontology`.
        ontology (str): a file in the folder with the name of one value per line.
        history (int): turns of the dialogue that are read, the last ones; 0 for all.
        encoding (str): character encoding of the file.
        bad_samples (str): `error`, or `skip` to leave out a few lines with errors.
    """

    def __init__(self, root, file, labels=None, ontology=None, history=0, encoding="utf-8", bad_samples="error"):
        labels = labels or (read_lines(f"{root}/{ontology}", encoding) if ontology else None)
        if not labels:
            raise ConfigError(f"{root}/{file}: DialogueStates needs labels, or ontology: the file with their names")
        super().__init__(root, file, list(labels), bad_samples)
        places = {name: k for k, name in enumerate(self.wanted)}
        said, current, counted = [], None, []
        for number, fields in fields_of_lines(self, encoding, 4, "dialogue, turn, texts and state"):
            dialogue, _, texts, state = fields
            said = said if dialogue == current else []
            current, (system, mark, user) = dialogue, texts.partition(TURN)
            text = self.clean(user if mark else texts, number)
            names = state.split()
            if text is None or not all(self.check_label(name, number) for name in names):
                continue
            said += [part for part in (system.strip() if mark else "", text) if part]
            label = np.zeros(len(places), np.float32)
            label[[places[name] for name in names]] = 1
            counted += names
            before = said[:-1][-2 * history + 1 :] if history else said[:-1]
            sample = {"text_a": text, "text_b": " ".join(reversed(before)) or START}
            self.samples.append(sample | {"label": label, "path": self.source, "place": f"line {number}"})
        self.finalize(counted)

    def warn_of_rare_labels(self, counts):
        """Nothing: a value that occurs once in a dialogue is no misspelled one."""


class DialogueReplies(TextDataset):
    """Lines `label<tab>turn<tab>...<tab>reply`: whether a reply follows the turns before it (Ubuntu, Douban, DuConv).

    A sample has `text_a`, the turns with `separator` between, `text_b`, the reply, and `label`, 1 for the right one.

    Args:
        root (str): the folder.
        file (str): the file in it.
        separator (str): what stands between two turns.
        encoding (str): character encoding of the file.
        bad_samples (str): `error`, or `skip` to leave out a few lines with errors.
    """

    def __init__(self, root, file, separator=" _EOS_ ", encoding="utf-8", bad_samples="error"):
        super().__init__(root, file, ["0", "1"], bad_samples)
        names = []
        for number, line in enumerate(read_lines(self.source, encoding), 1):
            label, *turns = line.split("\t")
            if len(turns) < 2:
                what = f"{len(turns) + 1} fields where 3 or more are expected: a label, the turns and a reply"
                self.error("D118", what, number, line[:60])
                continue
            label, turns = label.strip(), [self.clean(turn, number) for turn in turns]
            if None in turns or not self.check_label(label, number):
                continue
            sample = {"text_a": separator.join(turns[:-1]), "text_b": turns[-1], "label": int(label)}
            self.samples.append(sample | {"path": self.source, "place": f"line {number}"})
            names.append(label)
        self.finalize(names)


def fields_of_lines(dataset, encoding, count, meaning):
    """(line number, fields) of each line of a dataset's file with `count` fields; others are recorded as errors."""
    for number, line in enumerate(read_lines(dataset.source, encoding), 1):
        fields = line.split("\t")
        if len(fields) == count:
            yield number, fields
        else:
            what = f"{len(fields)} fields where {count} are expected: {meaning}"
            dataset.error("D118", what, number, line[:60], fix="separate the fields by tabs; a field holds none")
