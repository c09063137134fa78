"""Texts made of other texts, to label by a teacher: masking, replacing, cutting out.

Tang et al. 2019, https://arxiv.org/abs/1903.12136, section 3.2, and the data distillation of ERNIE: each word is masked
or replaced by another one of the same part of speech, each text is cut down to some consecutive words.
"""

from collections import Counter

MASK = "\u3013"  # the geta mark stands for a character that cannot be printed; no vocabulary has it


class TextAugmentation:
    """Makes variants of texts.

    Args:
        mask (float): probability that a word is replaced by an unknown one.
        replace (float): probability that a word is replaced by another of the same part of speech.
        cut (float): probability that a text is cut down to 1 to `longest` consecutive words.
        longest (int): of these.
        joiner (str): between words.

    Raises:
        ValueError: a probability is out of range.
    """

    def __init__(self, mask=0.1, replace=0.1, cut=0.25, longest=5, joiner=""):
        if min(mask, replace, cut) < 0 or mask + replace > 1 or cut > 1 or longest < 1:
            raise ValueError(
                f"mask is {mask}, replace {replace}, cut {cut}, longest {longest}; allowed: probabilities, of which "
                "the first two add up to 1 at most, and 1 or more"
            )
        self.mask, self.replace, self.cut, self.longest, self.joiner = mask, replace, cut, longest, joiner
        self.words = {}

    def learn(self, texts):
        """Counts the words of each part of speech, from which replacements are drawn by frequency.

        Args:
            texts (iterable): lists of (word, part of speech); None for an unknown one, whose words are not replaced.
        """
        counts = {}
        for text in texts:
            for word, kind in text:
                if kind is not None:
                    counts.setdefault(kind, Counter())[word] += 1
        self.words = {kind: list(found.elements()) for kind, found in counts.items()}

    def variant(self, text, rng):
        """A variant of a text.

        Args:
            text (list): (word, part of speech), at least one.
            rng (numpy.random.Generator): draws.

        Returns:
            str: the words joined.
        """
        words = []
        for (word, kind), draw in zip(text, rng.random(len(text)).tolist(), strict=True):
            if draw < self.mask:
                word = MASK
            elif draw < self.mask + self.replace and kind in self.words:
                known = self.words[kind]
                word = known[int(rng.integers(len(known)))]
            words.append(word)
        if rng.random() < self.cut:
            length = min(len(words), int(rng.integers(1, self.longest + 1)))
            begin = int(rng.integers(len(words) - length + 1))
            words = words[begin : begin + length]
        return self.joiner.join(words)

    def variants(self, text, count, rng):
        """Up to `count` different variants of a text that are not the text itself (list of str)."""
        own = self.joiner.join(word for word, _ in text)
        found = dict.fromkeys(self.variant(text, rng) for _ in range(count))
        return [other for other in found if other != own and other.strip(MASK + " ")]
