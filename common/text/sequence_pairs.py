"""Texts and the texts to write for them, as numbers of tokens: subwords of SentencePiece, or words of two vocabularies.

The transforms read `text_a`, and in training `target`, and produce
    input_ids       int64 [S], the tokens of `text_a` and the end token; `length`, S
    target_ids      int64 [U], those of `target` and the end token; `target_length`, U
"""

import numpy as np

from common.data.coverage import count
from common.data.transform import Transform
from common.text.split import refuse_pair, warn_truncated
from common.text.vocabulary import Vocabulary
from common.text.wordpiece import ModelPieces, load_sentencepiece

FIELDS = {"text_a": ("input_ids", "length"), "target": ("target_ids", "target_length")}


class SequencePairs(Transform):
    """Base class: a child numbers the tokens of one text by `encode(key, text)`; it has `vocabulary` and `ends`.

    Args:
        max_length (int): tokens of a text at most, the end token among them.
    """

    def __init__(self, max_length):
        if max_length < 2:
            raise ValueError(f"max_length is {max_length}; it is at least 2, for a token and the end")
        self.max_length, self.vocab_size, self.warned = max_length, len(self.vocabulary), False

    def __call__(self, sample, rng):
        refuse_pair(self, sample)
        sample["coverage"] = {}
        for key, (name, length) in FIELDS.items():
            if key not in sample:
                continue
            numbers, most = self.encode(key, sample[key]), self.max_length - 1
            if len(numbers) > most:
                self.warned = self.warned or warn_truncated(sample, len(numbers), most)
            kept = numbers[:most]
            sample["coverage"][key] = count(kept, self.unknown_of(key), len(numbers) - len(kept))
            sample[name] = np.array([*kept, self.ends[key]], np.int64)
            sample[length] = len(kept) + 1
        return sample


class SubwordPairs(SequencePairs):
    """Subwords of one SentencePiece model (Kudo and Richardson 2018, https://arxiv.org/abs/1808.06226) for both texts.

    Args:
        model (str): the `.model` file.
        end (str): the piece that ends a text.
        max_length (int): pieces of a text at most, the end among them.
    """

    files = ("model",)
    alike = ("end",)

    def __init__(self, model, end="</s>", max_length=256):
        self.model = self.vocab = model
        self.processor = load_sentencepiece(model)
        self.vocabulary = ModelPieces(self.processor, model)
        self.ends = dict.fromkeys(FIELDS, self.vocabulary.need(end)[0])
        super().__init__(max_length)

    def encode(self, key, text):
        """The numbers of the pieces of a text (list[int])."""
        return self.processor.encode(text)

    def unknown_of(self, key):
        """The number of the unknown piece."""
        return self.vocabulary.unknown

    def __getstate__(self):
        return dict(self.__dict__) | {"processor": None}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.processor = load_sentencepiece(self.model)


class WordPairs(SequencePairs):
    """Words separated by whitespace, or characters, of a vocabulary for each of the texts.

    Args:
        vocab (str): the vocabulary file of `text_a`.
        target_vocab (str): that of `target`; null for the same one.
        unknown (str): the unknown token of both.
        end (str): the token that ends a text, in both.
        added (list[str]): additional tokens, appended to those of both files.
        lowercase (bool): converts texts to lowercase first.
        characters (bool): splits texts into characters, without whitespace.
        max_length (int): tokens of a text at most, the end among them.
    """

    files = ("vocab", "target_vocab")
    alike = ("unknown", "end", "added", "lowercase", "characters")

    def __init__(
        self, vocab, target_vocab=None, unknown="<unk>", end="</s>", added=(), lowercase=False, characters=False,
        max_length=256,
    ):  # fmt: skip
        self.vocab, self.target_vocab = vocab, target_vocab
        self.lowercase, self.characters = lowercase, characters
        self.vocabulary = Vocabulary(vocab, unknown, added)
        other = Vocabulary(target_vocab, unknown, added) if target_vocab else self.vocabulary
        self.vocabularies = {"text_a": self.vocabulary, "target": other}
        self.ends = {key: one.need(end)[0] for key, one in self.vocabularies.items()}
        super().__init__(max_length)

    def encode(self, key, text):
        """The numbers of the words of a text (list[int])."""
        words = (text.lower() if self.lowercase else text).split()
        return [self.vocabularies[key].number(word) for word in ("".join(words) if self.characters else words)]

    def unknown_of(self, key):
        """The number of the unknown word."""
        return self.vocabularies[key].unknown
