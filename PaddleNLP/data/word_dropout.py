"""Words left out of texts at random, those of a list, so that a classifier does not rest on them alone."""

from pathlib import Path

from common.data.refusals import bad_file
from common.files import read_lines
from common.text.clean_english import clean_english

OURS = Path(__file__).with_name("suggestion_keywords.txt")


class WordDropout:
    """Drops each word of a text that is on a list with some probability; cleans the text first (:func:`clean_english`).

    A text that would lose all its words keeps them.

    Args:
        words (str | None): a file with a word a line, in any case; lines that begin with # are left out.  None: the
            words of suggestions in suggestion_keywords.txt.
        probability (float): of each word on the list, from 0 to 1.
    """

    def __init__(self, words=None, probability=0.2):
        words = OURS if words is None else words
        if not 0 <= probability <= 1:
            raise ValueError(f"probability is {probability}; allowed: 0 to 1")
        self.probability, self.words = probability, set()
        for number, line in enumerate(read_lines(words), 1):
            word = line.strip().lower()
            if word.startswith("#"):
                continue
            if len(word.split()) > 1:
                raise bad_file("D118", words, f"line {number}: {word[:40]!r} is more than one word", "a word a line")
            self.words.add(word)

    def __call__(self, text, rng):
        """The text without the words that are dropped (str); `rng` is a numpy Generator."""
        words = clean_english(text).split()
        draws = rng.random(len(words)).tolist()
        kept = [word for word, draw in zip(words, draws) if word.lower() not in self.words or draw >= self.probability]
        return " ".join(kept or words)
