"""Concepts of a knowledge base that the words of a question and of its context may mean: two files and two transforms.

A lexicon has a phrase, a tab and the names of its concepts with blanks between on each line:
    bank<tab>bank.n.09213565 bank.n.08420278
A file of vectors has the name of a concept and its numbers with blanks between on each line.

Shapes in this file:
    W windows of a question, each of T word pieces with K concepts at most; C concepts of D numbers.
"""

import re

import numpy as np

from common.data.transform import Transform
from common.errors import DataError, DataIssue
from common.files import read_lines

WORD = re.compile(r"\w+(?:[-'’.]\w+)*")  # noqa: RUF001


class TokenConcepts(Transform):
    """Finds the candidates of every word piece: the concepts of the longest phrase of the lexicon that it belongs to.

    Reads what QuestionWindows has produced.  Produces `key` int64 [W, T, K], the numbers of the concepts in the order
    of the file of vectors, from 1 on, and 0 for none.

    Args:
        lexicon (str): the file of phrases and their concepts.
        vectors (str): the file of vectors, which numbers the concepts.
        key (str): concept_ids, or entity_ids for the second memory of a model.
        most (int): the first concepts of a phrase that are read.
        lowercase (bool): compares phrases and words in lower case.
    """

    files = ("lexicon", "vectors")
    alike = ("most", "lowercase")

    def __init__(self, lexicon, vectors, key="concept_ids", most=40, lowercase=True):
        if most < 1 or key not in ("concept_ids", "entity_ids"):
            raise ValueError(f"most is {most}, key {key!r}; most is 1 or more, key concept_ids or entity_ids")
        self.lexicon, self.vectors, self.key, self.most, self.lowercase = lexicon, vectors, key, most, lowercase
        self.phrases = read_concept_lexicon(lexicon, concept_numbers(vectors), most, lowercase)
        self.longest = max((phrase.count(" ") + 1 for phrase in self.phrases), default=0)

    def __call__(self, sample, rng):
        asked = self.of_pieces(sample["question"], sample["question_offsets"])
        rows = []
        for spots in sample["offsets"]:
            before = len(asked) + 2
            rows.append([[], *asked, [], *self.of_pieces(sample["context"], spots[before:])])
        wide = max([1, *(len(ids) for row in rows for ids in row)])
        sample[self.key] = np.zeros((*sample["input_ids"].shape, wide), np.int64)
        for number, row in enumerate(rows):
            for place, ids in enumerate(row):
                sample[self.key][number, place, : len(ids)] = ids
        return sample

    def of_pieces(self, text, offsets):
        """The concepts of word pieces (list of lists).

        Args:
            text (str): what they are pieces of.
            offsets (list): (start, end) of each piece, in ascending order.
        """
        found, spans, place = [], self.find(text), 0
        for start, end in offsets:
            while place < len(spans) and spans[place][1] <= start:
                place += 1
            inside = place < len(spans) and spans[place][0] < end
            found.append(spans[place][2] if inside else [])
        return found

    def find(self, text):
        """(start, end, concepts) of the phrases in a text from left to right, the longest at each word."""
        words = [(match.start(), match.end()) for match in WORD.finditer(text)]
        plain = [text[a:b].lower() if self.lowercase else text[a:b] for a, b in words]
        found, place = [], 0
        while place < len(words):
            for size in range(min(self.longest, len(words) - place), 0, -1):
                ids = self.phrases.get(" ".join(plain[place : place + size]))
                if ids:
                    found.append((words[place][0], words[place + size - 1][1], ids))
                    break
            place += size  # 1 where no phrase begins
        return found


class PadConcepts(Transform):
    """Pads the concepts of a batch to the windows and pieces of the batch, and to the most concepts of a piece."""

    per_batch = True

    def __call__(self, samples, rng):
        for key in ("concept_ids", "entity_ids"):
            if key in samples[0]:
                most = max(sample[key].shape[2] for sample in samples)
                for sample in samples:
                    wanted = (*sample["input_ids"].shape, most)
                    more = [(0, size - now) for size, now in zip(wanted, sample[key].shape, strict=True)]
                    sample[key] = np.pad(sample[key], more)
        return samples


def concept_numbers(path):
    """{name: number from 1 on} of the concepts of a file of vectors.

    Raises:
        DataError: a name occurs twice; names the line.
    """
    numbers = {}
    for line, text in enumerate(read_lines(path), 1):
        name = text.partition(" ")[0]
        if numbers.setdefault(name, line) != line:
            raise concept_error("D115", path, f"the concept occurs twice, first on line {numbers[name]}", line, name)
    return numbers


def read_vectors(path):
    """(names, vectors float32 [C + 1, D]) of a file of vectors; the first row is 0, for no concept.

    Raises:
        DataError: a line has no numbers, other than the first line has, or one that is not finite; names the line.
    """
    names, rows = list(concept_numbers(path)), []
    for line, text in enumerate(read_lines(path), 1):
        try:
            row = np.array(text.split()[1:], np.float32)
        except ValueError:
            raise concept_error("D118", path, "not a name and numbers with blanks between", line, text[:60]) from None
        if not len(row) or (rows and len(row) != len(rows[0])):
            wanted = f"{len(rows[0])} are expected" if rows else "at least one is expected"
            raise concept_error("D118", path, f"{len(row)} numbers where {wanted}", line, text[:60])
        if not np.isfinite(row).all():
            raise concept_error("D119", path, "a number is not finite", line, text[:60])
        rows.append(row)
    if not rows:
        raise DataError(str(DataIssue("D117", "error", str(path), "holds no vector")))
    return names, np.stack([np.zeros_like(rows[0]), *rows])


def read_concept_lexicon(path, numbers, most, lowercase):
    """{phrase: numbers of its concepts} of a lexicon; a phrase that occurs again, in another case, adds its concepts.

    Args:
        path (str): the file.
        numbers (dict): number of each concept.
        most (int): the first concepts of a phrase that are kept.
        lowercase (bool): converts phrases to lower case.

    Raises:
        DataError: a line has no tab, no phrase or no concept, or names an unknown concept; names the line.
    """
    phrases = {}
    for line, text in enumerate(read_lines(path), 1):
        phrase, tab, names = text.partition("\t")
        words, names = WORD.findall(phrase.lower() if lowercase else phrase), names.split()
        if not tab or not words or not names:
            fix = "a line is a phrase, a tab, and names of concepts with blanks between"
            raise concept_error("D118", path, "no phrase with its concepts", line, text[:60], fix)
        unknown = next((name for name in names if name not in numbers), None)
        if unknown is not None:
            raise concept_error("D109", path, "a concept that has no vector", line, unknown)
        kept = phrases.setdefault(" ".join(words), [])
        kept += [numbers[name] for name in names if numbers[name] not in kept]
        del kept[most:]
    if not phrases:
        raise DataError(str(DataIssue("D117", "error", str(path), "holds no phrase")))
    return phrases


def concept_error(code, path, message, line, value, fix=""):
    """A DataError for a line of a file of concepts."""
    return DataError(str(DataIssue(code, "error", str(path), message, f"line {line}", str(value), fix)))
