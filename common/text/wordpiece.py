"""Transforms that cut texts into pieces of words and number them, for encoders that were trained on such pieces.

They read `text_a` (and `text_b`) of a sample, or `tokens`, and leave
    input_ids        int64 [T]: [CLS] a [SEP], or [CLS] a [SEP] b [SEP]
    token_type_ids   int64 [T]: 0 up to the first [SEP], 1 after it
    length           T
    word_ids         list of T numbers: the token each piece is of, -1 for [CLS] and [SEP]; where there are `tokens`
    tags             int64 [T], where the sample has tags of its tokens; -1 for [CLS] and [SEP]
"""

import numpy as np

from common.data.transform import Transform
from common.errors import DataError, DataIssue, EnvironmentProblem
from common.text.split import warn_of_cut
from common.text.vocabulary import Vocabulary

MOST_LETTERS = 100  # of a word that is looked up in pieces; longer ones are unknown


class WordPiece(Transform):
    """The pieces of BERT and ERNIE (https://arxiv.org/abs/1810.04805, section 3; the longest piece first).

    Control characters are dropped, Chinese characters stand alone, accents go with capitals where `lowercase`.

    Args:
        vocab (str): a piece a line, `##` before those that go on with a word.
        lowercase (bool): the encoder was trained on lower case.
        max_length (int): pieces of a sample at most, [CLS] and [SEP] among them; the longer text is cut first.
        labels (list[str]): names of the tags, given by the data set; a word's later pieces get `I` for its `B`.
    """

    files = ("vocab",)
    special = ("[UNK]", "[CLS]", "[SEP]")

    def __init__(self, vocab, lowercase=True, max_length=128, labels=None):
        if max_length < 3:
            raise ValueError(f"max_length is {max_length}; [CLS], [SEP] and one piece need 3")
        self.vocab, self.lowercase, self.max_length = vocab, lowercase, max_length
        self.vocabulary = self.read(vocab)
        self.vocab_size = len(self.vocabulary)
        _, self.first, self.last = self.vocabulary.need(*self.special)
        self.later = later_tags(labels or ())
        self.warned = False
        self.tokenizer = self.make_tokenizer()

    def read(self, vocab):
        """The pieces and their numbers."""
        return Vocabulary(vocab)

    def make_tokenizer(self):
        """What cuts one text."""
        return make_wordpiece(self.vocabulary.numbers, self.lowercase)

    def encode(self, text):
        """(numbers, places) of the pieces of one text; a place is (start, end) in it."""
        found = self.tokenizer.encode(text, add_special_tokens=False)
        return found.ids, found.offsets

    def __call__(self, sample, rng):
        if "tokens" in sample:
            return self.number_tokens(sample)
        parts = [self.encode(sample[key]) for key in ("text_a", "text_b") if key in sample]
        kept = cut_longest([len(ids) for ids, _ in parts], self.max_length - 1 - len(parts))
        total = sum(len(ids) for ids, _ in parts)
        if sum(kept) < total:
            self.warned = self.warned or warn_of_cut(sample, total, sum(kept))
        ids, types = [self.first], [0]
        for number, ((pieces, _), most) in enumerate(zip(parts, kept)):
            ids += [*pieces[:most], self.last]
            types += [number] * (most + 1)
        return self.finish(sample, ids, types)

    def number_tokens(self, sample):
        """The pieces of a text that is in tokens already; a token of which nothing is left is unknown."""
        ids, words = [], []
        for number, token in enumerate(sample["tokens"]):
            pieces = self.encode(token)[0] or [self.vocabulary.number(self.special[0])]
            ids += pieces
            words += [number] * len(pieces)
        most = self.max_length - 2
        if len(ids) > most:
            self.warned = self.warned or warn_of_cut(sample, len(ids), most)
            ids, words = ids[:most], words[:most]
        if "tags" in sample:
            tags, before = [-1], -1
            for word in words:
                tag = int(sample["tags"][word])
                tags.append(self.later.get(tag, tag) if word == before else tag)
                before = word
            sample["tags"] = np.array([*tags, -1], np.int64)
        sample["word_ids"] = [-1, *words, -1]
        return self.finish(sample, [self.first, *ids, self.last], [0] * (len(ids) + 2))

    def finish(self, sample, ids, types):
        """The sample with the arrays that a model takes."""
        sample["input_ids"], sample["token_type_ids"] = np.array(ids, np.int64), np.array(types, np.int64)
        sample["length"] = len(ids)
        return sample


class SentencePiece(WordPiece):
    """The pieces of a SentencePiece model (https://arxiv.org/abs/1808.06226), as ERNIE Tiny has them.

    Args:
        model (str): the `.model` file.
        vocab (str): a piece a line (or `piece<tab>number`), in the order of the encoder's rows; null takes the model's.
        lowercase (bool): texts are put in lower case first.
        max_length (int): pieces of a sample at most, [CLS] and [SEP] among them.
        labels (list[str]): names of the tags, given by the data set.
    """

    files = ("model", "vocab")

    def __init__(self, model, vocab=None, lowercase=True, max_length=128, labels=None):
        self.model = model
        self.processor = load_pieces(model)
        super().__init__(vocab, lowercase, max_length, labels)

    def read(self, vocab):
        """The pieces and their numbers."""
        return Vocabulary(vocab) if vocab else ModelPieces(self.processor, self.model)

    def make_tokenizer(self):
        """What cuts one text."""
        return self.processor

    def encode(self, text):
        """(numbers, places) of the pieces of one text; a place is (start, end) in it."""
        found = self.processor.encode(lowered(text) if self.lowercase else text, return_type="offset_mapping")
        return [self.vocabulary.number(piece) for piece in found["pieces"]], found["offsets"]

    def __getstate__(self):
        state = dict(self.__dict__)
        state["processor"] = state["tokenizer"] = None
        return state

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.processor = self.tokenizer = load_pieces(self.model)


def lowered(text):
    """The text in lower case, character for character: one that would become two stays, for the places' sake."""
    lower = text.lower()
    return lower if len(lower) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


class ModelPieces(Vocabulary):
    """The pieces of a SentencePiece model as a vocabulary; its `<unk>`, `[CLS]` and `[SEP]` must be among them.

    Args:
        processor (SentencePieceProcessor): the model.
        path (str): its file, for messages.
    """

    def __init__(self, processor, path):
        self.path = path
        self.tokens = [processor.id_to_piece(k) for k in range(processor.get_piece_size())]
        self.numbers = {token: number for number, token in enumerate(self.tokens)}
        self.numbers.setdefault("[UNK]", processor.unk_id())
        self.unknown = processor.unk_id()


def load_pieces(path):
    """The SentencePiece model of a file.

    Raises:
        EnvironmentProblem: the package is not installed.
        DataError: the file is no such model.
    """
    from common.files import find_file

    try:
        import sentencepiece
    except ImportError:
        raise EnvironmentProblem("SentencePiece needs the package sentencepiece: pip install sentencepiece") from None
    try:
        return sentencepiece.SentencePieceProcessor(model_file=str(find_file(path)))
    except (OSError, RuntimeError) as error:
        issue = DataIssue(
            "D122", "error", str(path), f"not a SentencePiece model: {' '.join(str(error).split())[:120]}"
        )
        raise DataError(str(issue)) from None


def make_wordpiece(numbers, lowercase):
    """The tokenizer of a dict piece -> number, by BERT's rules.

    Raises:
        EnvironmentProblem: the package `tokenizers` is not installed.
    """
    try:
        from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
    except ImportError:
        raise EnvironmentProblem("WordPiece needs the package tokenizers: pip install tokenizers") from None
    model = models.WordPiece(numbers, unk_token="[UNK]", max_input_chars_per_word=MOST_LETTERS)  # noqa: S106
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def cut_longest(lengths, most):
    """What is kept of texts of these lengths, `most` together, when the longest loses first; the second of equals."""
    kept = list(lengths)
    while sum(kept) > most:
        longest = max(range(len(kept)), key=lambda k: (kept[k], k))
        kept[longest] -= 1
    return kept


def later_tags(labels):
    """tag number -> that of a word's later pieces: `B-X` -> `I-X`, `X-B` -> `X-I`, where there is one."""
    numbers = {label: k for k, label in enumerate(labels)}
    found = {}
    for label, k in numbers.items():
        later = f"I{label[1:]}" if label.startswith("B-") else f"{label[:-1]}I" if label.endswith("-B") else None
        if later in numbers:
            found[k] = numbers[later]
    return found
