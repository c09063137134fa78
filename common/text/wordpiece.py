"""Subword tokenization for pretrained encoders: WordPiece and SentencePiece.

The transforms read `text_a` (and `text_b`) of a sample, or `tokens`, and produce
    input_ids        int64 [T]: [CLS] a [SEP], or [CLS] a [SEP] b [SEP]
    token_type_ids   int64 [T]: 0 up to the first [SEP], 1 after it
    length           T
    word_ids         list of T ints: the index of the token of each piece, -1 for [CLS] and [SEP]; only with `tokens`
    tags             int64 [T]: only if the tokens have tags; -1 for [CLS] and [SEP]
"""

import numpy as np

from common.data.coverage import count
from common.data.transform import Transform
from common.errors import DataError, DataIssue, EnvironmentProblem
from common.text.split import warn_truncated
from common.text.tags import TagScheme
from common.text.vocabulary import Vocabulary

MOST_LETTERS = 100  # longer words become the unknown token


class WordPiece(Transform):
    """WordPiece tokenization of BERT and ERNIE (https://arxiv.org/abs/1810.04805, section 3), longest match first.

    Control characters are dropped, Chinese characters are single tokens, `lowercase` also strips accents.

    Args:
        vocab (str): the vocabulary file, one piece per line, with `##` before pieces that continue a word.
        lowercase (bool): for uncased encoders.
        max_length (int): maximum number of pieces, including [CLS] and [SEP]; the longer text is truncated first.
        labels (list[str]): tag names, supplied by the dataset; the pieces of a token are tagged as its span.
    """

    files = ("vocab",)
    special = ("[UNK]", "[CLS]", "[SEP]")
    alike = ("lowercase",)
    at_end = False  # XLNet's <cls> is behind the texts

    def __init__(self, vocab, lowercase=True, max_length=128, labels=None):
        if max_length < 3:
            raise ValueError(f"max_length is {max_length}; it must be at least 3, for [CLS], one piece and [SEP]")
        self.vocab, self.lowercase, self.max_length = vocab, lowercase, max_length
        self.vocabulary = self.read(vocab)
        self.vocab_size = len(self.vocabulary)
        _, self.first, self.last = self.vocabulary.need(*self.special)
        self.pieces = TagScheme(labels).pieces() if labels else {}
        self.warned = False
        self.tokenizer = self.make_tokenizer()

    def read(self, vocab):
        """Reads the vocabulary."""
        return Vocabulary(vocab)

    def make_tokenizer(self):
        """Creates the tokenizer of one text."""
        return make_wordpiece(self.vocabulary.numbers, self.lowercase)

    def encode(self, text):
        """(ids, offsets) of the pieces of one text; an offset is (start, end) in characters."""
        found = self.tokenizer.encode(text, add_special_tokens=False)
        return found.ids, found.offsets

    def __call__(self, sample, rng):
        if "tokens" in sample:
            return self.number_tokens(sample)
        keys = [key for key in ("text_a", "text_b") if key in sample]
        parts = [self.encode(sample[key]) for key in keys]
        kept = truncate_longest([len(ids) for ids, _ in parts], self.max_length - 1 - len(parts))
        total = sum(len(ids) for ids, _ in parts)
        if sum(kept) < total:
            self.warned = self.warned or warn_truncated(sample, total, sum(kept))
        unknown = self.vocabulary.unknown
        sample["coverage"] = {
            key: count(pieces[:most], unknown, len(pieces) - most) for key, (pieces, _), most in zip(keys, parts, kept)
        }
        ids, types = ([], []) if self.at_end else ([self.first], [0])
        for number, ((pieces, _), most) in enumerate(zip(parts, kept)):
            ids += [*pieces[:most], self.last]
            types += [number] * (most + 1)
        behind = ([self.first], [2]) if self.at_end else ([], [])
        return self.finish(sample, ids + behind[0], types + behind[1])

    def number_tokens(self, sample):
        """Encodes a pre-tokenized text; a token without pieces becomes the unknown token."""
        ids, words = [], []
        for number, token in enumerate(sample["tokens"]):
            pieces = self.encode(token)[0] or [self.vocabulary.number(self.special[0])]
            ids += pieces
            words += [number] * len(pieces)
        most = self.max_length - 2
        sample["coverage"] = {"text_a": count(ids[:most], self.vocabulary.unknown, max(0, len(ids) - most))}
        if len(ids) > most:
            self.warned = self.warned or warn_truncated(sample, len(ids), most)
            ids, words = ids[:most], words[:most]
        before, behind = ([], [-1, -1]) if self.at_end else ([-1], [-1])
        if "tags" in sample:
            sample["tags"] = np.array([*before, *self.piece_tags(sample["tags"], words), *behind], np.int64)
        sample["word_ids"] = [*before, *words, *behind]
        if self.at_end:
            return self.finish(sample, [*ids, self.last, self.first], [0] * (len(ids) + 1) + [2])
        return self.finish(sample, [self.first, *ids, self.last], [0] * (len(ids) + 2))

    def piece_tags(self, tags, words):
        """The tag ids of pieces (list[int]).

        Args:
            tags (ndarray): of the tokens.
            words (list[int]): which token each piece belongs to.
        """
        found = []
        for place, word in enumerate(words):
            tag = int(tags[word])
            first, between, last = self.pieces.get(tag, (tag, tag, tag))
            begins = place == 0 or words[place - 1] != word
            ends = place + 1 == len(words) or words[place + 1] != word
            found.append(tag if begins and ends else first if begins else last if ends else between)
        return found

    def finish(self, sample, ids, types):
        """Sets the model inputs of the sample."""
        sample["input_ids"], sample["token_type_ids"] = np.array(ids, np.int64), np.array(types, np.int64)
        sample["length"] = len(ids)
        return sample


class SentencePiece(WordPiece):
    """SentencePiece tokenization (https://arxiv.org/abs/1808.06226), as used by ERNIE Tiny and XLNet.

    Args:
        model (str): the `.model` file.
        vocab (str): one piece per line (or `piece<tab>id`), in the order of the embedding rows; null uses the model's.
        lowercase (bool): converts texts to lowercase first.
        max_length (int): maximum number of pieces, including [CLS] and [SEP].
        labels (list[str]): tag names, supplied by the dataset.
        frame (str): bert, [CLS] a [SEP] b [SEP]; or xlnet, a <sep> b <sep> <cls> with 2 for the segment of <cls>.
    """

    files = ("model", "vocab")
    alike = ("lowercase", "frame")

    def __init__(self, model, vocab=None, lowercase=True, max_length=128, labels=None, frame="bert"):
        if frame not in ("bert", "xlnet"):
            raise ValueError(f"frame is {frame!r}; it is bert or xlnet")
        self.model, self.frame, self.at_end = model, frame, frame == "xlnet"
        if self.at_end:
            self.special = ("<unk>", "<cls>", "<sep>")
        self.processor = load_sentencepiece(model)
        super().__init__(vocab, lowercase, max_length, labels)

    def read(self, vocab):
        """Reads the vocabulary."""
        return Vocabulary(vocab) if vocab else ModelPieces(self.processor, self.model)

    def make_tokenizer(self):
        """Creates the tokenizer of one text."""
        return self.processor

    def encode(self, text):
        """(ids, offsets) of the pieces of one text; an offset is (start, end) in characters."""
        found = self.processor.encode(lowercase_text(text) if self.lowercase else text, return_type="offset_mapping")
        return [self.vocabulary.number(piece) for piece in found["pieces"]], found["offsets"]

    def __getstate__(self):
        state = dict(self.__dict__)
        state["processor"] = state["tokenizer"] = None
        return state

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.processor = self.tokenizer = load_sentencepiece(self.model)


def lowercase_text(text):
    """Lowercases a text character by character; a character whose lowercase is longer is kept, to preserve offsets."""
    lower = text.lower()
    return lower if len(lower) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


class ModelPieces(Vocabulary):
    """The vocabulary of a SentencePiece model, which must contain `<unk>`, `[CLS]` and `[SEP]` (XLNet: <cls>, <sep>).

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


def load_sentencepiece(path):
    """Loads a SentencePiece model.

    Raises:
        EnvironmentProblem: the package `sentencepiece` is not installed.
        DataError: the file is not a SentencePiece model.
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
    """Creates BERT's tokenizer for a dict piece -> id.

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


def truncate_longest(lengths, most):
    """Truncates texts to `most` pieces in total, always shortening the longest, the later one if equal."""
    kept = list(lengths)
    while sum(kept) > most:
        longest = max(range(len(kept)), key=lambda k: (kept[k], k))
        kept[longest] -= 1
    return kept
