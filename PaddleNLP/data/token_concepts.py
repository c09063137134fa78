"""The concepts that word pieces may mean (KT-NET, Yang et al. 2019, https://aclanthology.org/P19-1226, section 2.1),
from the files of `common.text.concepts`.

Shapes in this file:
    W windows of a question, each of T word pieces with K concepts at most.
"""

import numpy as np

from common.data.transform import Transform
from common.text.concepts import WORD, concept_numbers, read_concept_lexicon


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
