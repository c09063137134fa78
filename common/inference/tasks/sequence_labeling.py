"""Sequence labeling: tags of tokens as spans of the text, words with their parts of speech or named entities.

Tags are written `B-PER`, `I-PER`, `O`, or, as LAC has them, `PER-B`, `PER-I`.  In the second form they cut the whole
text into words: a word begins at every `-B` and is called by its last tag.
"""

from common.inference.task import Task
from common.text.phrases import Phrases


class SequenceLabeling(Task):
    """Sequence labeling: the labeled spans of each text, such as words or entities.

    Args:
        dictionary (str): phrases of the user, which overrule the model, see `common.text.phrases.Phrases`; null: none.
    """

    input = "text"
    files = ("dictionary",)

    def __init__(self, dictionary=None):
        self.phrases = Phrases(dictionary)

    def records(self, outputs, samples, labels, threshold):
        """The spans of each text.

        Args:
            outputs (dict[str, ndarray]): `tags` int64 [N, T].
            samples (list[dict]): as the transforms left them: `text_a`, `offsets`, `length`, and perhaps `word_ids`,
                which token a piece belongs to.
            labels (list[str]): names of the tags.
            threshold (float): not used; a tag has no score.

        Returns:
            list[list[dict]]: for each text `label`, `text`, `start`, `end` of its spans, in order.
        """
        whole = any(label.endswith("-B") for label in labels)
        found = []
        for row, sample in zip(outputs["tags"], samples):
            text, tags = sample["text_a"], [labels[tag] for tag in row[: int(sample["length"])].tolist()]
            names = character_tags(tags, sample)
            for phrase in self.phrases.find(text):
                merge_phrase(names, *phrase)
            spans = words(names) if whole else entities(names)
            found.append([{"label": label, "text": text[a:b], "start": a, "end": b} for label, a, b in spans])
        return found

    def line(self, sample, records):
        """`word/label` of every span, with a blank between."""
        return " ".join(f"{record['text']}/{record['label']}" for record in records)


def character_tags(tags, sample):
    """The tag of every character of the text; that of a token goes on as `I`, and None is between tokens.

    Args:
        tags (list[str]): of the tokens, or of their pieces.
        sample (dict): see :meth:`SequenceLabeling.records`.
    """
    names = [None] * len(sample["text_a"])
    words = sample["word_ids"] if "word_ids" in sample else range(len(tags))
    done = set()
    for tag, word in zip(tags, words):
        if word < 0 or word in done:
            continue
        done.add(int(word))
        start, end = sample["offsets"][word]
        for place in range(start, end):
            names[place] = tag if place == start else inside(tag)
    return names


def inside(tag):
    """The tag of what goes on: `n-B` -> `n-I`, `B-PER` -> `I-PER`."""
    if tag.endswith("-B"):
        return f"{tag[:-1]}I"
    return f"I{tag[1:]}" if tag.startswith("B-") else tag


def words(names):
    """(label, start, end) of the words that tags with `-B` cut a text into; what has no tag is in none."""
    spans = []
    for place, name in enumerate(names):
        if name is None:
            continue
        kind = name.removesuffix("-B").removesuffix("-I")
        new = not spans or name.endswith("-B") or spans[-1][2] != place or (kind == "O") != (spans[-1][0] == "O")
        if new:
            spans.append([kind, place, place + 1])
        else:
            spans[-1][0], spans[-1][2] = kind, place + 1
    return [tuple(span) for span in spans]


def entities(names):
    """(label, start, end) of the entities of `B-`, `I-` and `O` tags; blanks inside one belong to it."""
    spans, open_label = [], None
    for place, name in enumerate(names):
        if name is None:
            continue
        head, _, kind = name.partition("-")
        if head == "O" or not kind:
            open_label = None
        elif head == "I" and kind == open_label:
            spans[-1][2] = place + 1
        else:
            spans.append([kind, place, place + 1])
            open_label = kind
    return [tuple(span) for span in spans]


def merge_phrase(names, start, ends, tags):
    """Writes a phrase of the user's dictionary over the tags of the characters, in place.

    Args:
        names (list[str]): of the characters.
        start (int): where the phrase begins.
        ends (list[int]): where each of its words ends.
        tags (list[str]): the part of speech of each word; an empty one leaves what was found.
    """
    place = start
    for end, tag in zip(ends, tags, strict=True):
        for k in range(place, end):
            names[k] = f"{tag or (names[k] or 'O').removesuffix('-B').removesuffix('-I')}-I"
        place = end
    for k in (start, *ends):
        if k < len(names) and names[k]:
            names[k] = f"{names[k].removesuffix('-B').removesuffix('-I')}-B"
