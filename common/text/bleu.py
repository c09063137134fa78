"""BLEU of texts that are written (Papineni et al. 2002, https://aclanthology.org/P02-1040), as sacrebleu computes it
(Post 2018, https://aclanthology.org/W18-6319): of a corpus, one reference a text, exponential smoothing.
"""

import math
import re
from collections import Counter

import numpy as np

ORDERS = 4
ENTITIES = (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"))
MARK = re.compile(r"([!-&(-+:-@\[-`{-~/])")  # ASCII punctuation without the apostrophe, comma, hyphen and full stop
AFTER = re.compile(r"([^0-9])([.,])")  # a comma or full stop that is not behind a digit,
BEFORE = re.compile(r"([.,])([^0-9])")  # ... or not before one
DASH = re.compile(r"([0-9])(-)")


def international_words(text):
    """The tokens of mteval-v13a.pl, NIST's script: words, and punctuation apart but inside of numbers."""
    text = text.replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    for name, sign in ENTITIES:
        text = text.replace(name, sign)
    text = MARK.sub(r" \1 ", f" {text} ")
    text = BEFORE.sub(r" \1 \2", AFTER.sub(r"\1 \2 ", text))
    return DASH.sub(r"\1 \2 ", text).split()


def letters_of(text):
    """The characters of a text without whitespace."""
    return list("".join(text.split()))


TOKENIZERS = {"13a": international_words, "characters": letters_of, "words": str.split}


class BLEUCounts:
    """The counts that BLEU is made of, over a set of texts.

    Args:
        tokens (Callable): a text to the list of its tokens, one of TOKENIZERS.
    """

    def __init__(self, tokens):
        self.tokens = tokens
        self.counts = np.zeros((2, ORDERS + 1), np.int64)  # right and all n-grams by n; lengths of text and reference

    def add(self, text, reference):
        """Adds one text and its reference."""
        text, reference = self.tokens(text), self.tokens(reference)
        for order in range(1, ORDERS + 1):
            ours, theirs = ngrams(text, order), ngrams(reference, order)
            self.counts[:, order - 1] += (sum((ours & theirs).values()), sum(ours.values()))
        self.counts[:, ORDERS] += (len(text), len(reference))

    def length_ratio(self):
        """The tokens written for each token of the references."""
        written, wanted = self.counts[:, ORDERS].tolist()
        return written / wanted if wanted else 0.0


def ngrams(tokens, order):
    """Counts of the n-grams (Counter)."""
    return Counter(tuple(tokens[k : k + order]) for k in range(len(tokens) - order + 1))


def corpus_bleu(counts):
    """BLEU, 0 to 100, of counts int [2, 5], see BLEUCounts; the k-th order without a match counts as 1 / 2**k."""
    (right, every), (written, wanted) = counts[:, :ORDERS], counts[:, ORDERS]
    if not right.any() or not every.all():
        return 0.0
    logs, halved = 0.0, 1.0
    for found, total in zip(right.tolist(), every.tolist(), strict=True):
        halved = halved if found else halved * 2
        logs += math.log(found / total if found else 1 / (halved * total))
    brevity = min(0.0, 1 - float(wanted) / float(written))
    return 100 * math.exp(logs / ORDERS + brevity)
