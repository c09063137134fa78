"""Byte pair encoding of the bytes of a text (GPT-2): the tokens of `tokenizer.json`, and transcripts as their numbers.

A token is written in letters that stand for bytes: printable characters of Latin-1 for themselves, the others, in the
order of their values, for the letters from U+0100 on.  Decoding needs nothing but the file; encoding needs the package
`tokenizers`.
"""

import functools

import numpy as np

from common.data.refusals import add_list_line, bad_file
from common.data.transform import Transform
from common.errors import DataError, DataIssue, EnvironmentProblem
from common.files import find_file, parse_json


@functools.cache
def byte_letters():
    """The letter of each byte: dict of 256 letters -> byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(256 + k): byte for k, byte in enumerate(others)}


class BytePairs:
    """The tokens of a `tokenizer.json` of a byte-level BPE model.

    Args:
        path (str): the file.

    Raises:
        DataError: it is no such file.
    """

    def __init__(self, path):
        self.path = str(path)
        try:
            text = find_file(path).read_text(encoding="utf-8")
            content = parse_json(text)
            special = {int(token["id"]) for token in content.get("added_tokens") or ()}
            vocabulary = content["model"]["vocab"].items()
            self.bytes = {int(n): _bytes_of(token) for token, n in vocabulary if int(n) not in special}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            message = f"no tokenizer.json of a byte-level BPE model: {type(error).__name__}: {error}"
            raise DataError(str(DataIssue("D122", "error", self.path, message))) from None
        if not self.bytes or min(self.bytes) < 0:
            raise DataError(
                str(DataIssue("D122", "error", self.path, "its vocabulary is empty or has a number below 0"))
            )

    def __len__(self):
        return max(self.bytes) + 1

    def decode(self, numbers):
        """The text of token numbers; those of the vocabulary only, so that special tokens are left out."""
        return b"".join(self.bytes.get(int(number), b"") for number in numbers).decode("utf-8", errors="replace")

    def encode(self, text):
        """The token numbers of a text (list[int]); not all of the text where the vocabulary lacks a byte."""
        return _tokenizer(self.path).encode(text, add_special_tokens=False).ids


def _bytes_of(token):
    """The bytes of a token; none if it is written in other letters."""
    letters = byte_letters()
    return bytes(letters[letter] for letter in token) if all(letter in letters for letter in token) else b""


@functools.lru_cache(maxsize=4)
def _tokenizer(path):
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise EnvironmentProblem("byte pair encoding needs the package tokenizers: pip install tokenizers") from None
    try:
        return Tokenizer.from_file(str(find_file(path)))
    except Exception as error:  # noqa: BLE001  the package raises no narrower one
        raise DataError(str(DataIssue("D122", "error", path, f"no tokenizer.json: {error}"))) from None


class BytePairIds(Transform):
    """Converts `text`, behind a space, to byte pairs: `labels` int32 [U] and `label_length` U; keeps what has no text.

    Args:
        tokenizer (str): a `tokenizer.json`.
        max_length (int): tokens at most; a longer transcript is refused.
    """

    files = ("tokenizer",)

    def __init__(self, tokenizer, max_length=224):
        if max_length < 1:
            raise ValueError(f"max_length is {max_length}; it must be at least 1")
        self.tokenizer, self.max_length = tokenizer, max_length
        self.pairs = BytePairs(tokenizer)

    def __call__(self, sample, rng):
        if "text" not in sample:
            return sample
        text = f" {sample['text'].strip()}"
        labels = self.pairs.encode(text)
        if self.pairs.decode(labels) != text:
            raise self.refuse(sample, "D147", "a character is not in the vocabulary")
        if len(labels) > self.max_length:
            raise self.refuse(
                sample, "D145", f"the transcript has {len(labels)} tokens, the maximum is {self.max_length}"
            )
        sample["labels"], sample["label_length"] = np.array(labels, np.int32), len(labels)
        return sample

    def refuse(self, sample, code, message):
        """The BadSample of a transcript."""
        return add_list_line(bad_file(code, sample.get("path", "a recording"), message, fix="remove it"), sample)
