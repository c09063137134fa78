"""Sequence labeling: tags of tokens as spans of the text, words with their parts of speech or named entities.

The scheme of the tags is recognized from the labels (`common.text.tags`).  Tags whose position is a suffix, as in LAC
(`PER-B`, `PER-I`), cut the whole text into words: a word begins at every `-B` and is called by its last tag.
"""

from common.inference.task import Task
from common.text.phrases import Phrases
from common.text.tags import TagScheme, begins


class SequenceLabeling(Task):
    """Sequence labeling: the labeled spans of each text, such as words or entities.

    Args:
        dictionary (str): phrases of the user, which overrule the model, see `common.text.phrases.Phrases`; null: none.
        separator (str): between the words of a line of the dictionary; null: blanks.
        scheme (str): BIO, IOB1, BIOES, BMES, BILOU, BMEWO or tokens; null recognizes it from the labels.
    """

    input = "text"
    files = ("dictionary",)
    columns = {"text": "span", "label": "label", "start": "start", "end": "end"}

    def __init__(self, dictionary=None, scheme=None, separator=None):
        self.phrases, self.scheme = Phrases(dictionary, separator), scheme

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
        scheme = TagScheme(labels, self.scheme)
        found = []
        for row, sample in zip(outputs["tags"], samples):
            text, tags = sample["text_a"], [scheme.tags[tag] for tag in row[: int(sample["length"])].tolist()]
            names = character_tags(tags, sample)
            for phrase in self.phrases.find(text):
                merge_phrase(names, *phrase)
            spans = words(names) if scheme.is_suffix else entities(names)
            found.append([{"label": label, "text": text[a:b], "start": a, "end": b} for label, a, b in spans])
        return found

    def line(self, sample, records):
        """`word/label` of every span, with a blank between; the word alone where tags have no type."""
        return " ".join("/".join(filter(None, (record["text"], record["label"]))) for record in records)


def character_tags(tags, sample):
    """The role and type of every character of the text; None is between tokens.

    Args:
        tags (list[tuple[str, str]]): (role, type) of the tokens, or of their pieces; a token begins as its first piece
            does and ends as its last one.
        sample (dict): see :meth:`SequenceLabeling.records`.
    """
    names = [None] * len(sample["text_a"])
    of_words = {}
    for tag, word in zip(tags, sample["word_ids"] if "word_ids" in sample else range(len(tags))):
        if word >= 0:
            of_words.setdefault(int(word), []).append(tag)
    for word, pieces in of_words.items():
        start, end = sample["offsets"][word]
        (role, kind), ended = pieces[0], pieces[-1][0] in "ES"
        for place in range(start, end):
            first, last = place == start, place == end - 1
            if role == "O":
                names[place] = ("O", "")
            elif first and role in "BS":
                names[place] = ("S" if ended and last else "B", kind)
            else:
                names[place] = ("E" if ended and last else "I", kind)
    return names


def words(names):
    """(label, start, end) of the words that tags with `-B` cut a text into; what has no tag is in none."""
    spans, ended = [], True
    for place, name in enumerate(names):
        if name is None:
            continue
        role, kind = name if name[0] != "O" else ("I", "O")
        new = ended or role in "BS" or spans[-1][2] != place or (kind == "O") != (spans[-1][0] == "O")
        if new:
            spans.append([kind, place, place + 1])
        else:
            spans[-1][0], spans[-1][2] = kind, place + 1
        ended = role in "ES"
    return [tuple(span) for span in spans]


def entities(names):
    """(label, start, end) of the entities among roles and types; blanks inside one belong to it."""
    spans, before = [], None
    for place, name in enumerate(names):
        if name is None:
            continue
        if name[1] == "O":  # a phrase of the dictionary without a label of its own
            name = ("O", "")
        if begins(*name, before):
            spans.append([name[1], place, place + 1])
        elif name[0] != "O":
            spans[-1][2] = place + 1
        before = name
    return [tuple(span) for span in spans]


def merge_phrase(names, start, ends, tags):
    """Writes a phrase of the user's dictionary over the tags of the characters, in place.

    Args:
        names (list[tuple[str, str]]): role and type of the characters.
        start (int): where the phrase begins.
        ends (list[int]): where each of its words ends.
        tags (list[str]): the part of speech of each word; an empty one leaves what was found.
    """
    place = start
    for end, tag in zip(ends, tags, strict=True):
        for k in range(place, end):
            names[k] = ("I", tag or type_of(names[k]))
        place = end
    for k in (start, *ends):
        if k < len(names) and names[k]:
            names[k] = ("S" if k == ends[-1] and names[k][0] in "ES" else "B", type_of(names[k]))


def type_of(name):
    """The type of a character; `O` outside of spans and between tokens."""
    return "O" if name is None or name[0] == "O" else name[1]
