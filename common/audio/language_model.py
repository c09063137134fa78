"""N-gram language models in the ARPA format, as written by KenLM, SRILM and `PaddleSpeech/tools/make_arpa.py`.

Back-off (Katz 1987): log p(w | h) is that of the longest n-gram h' w in the file, where h' is a suffix of h, plus the
back-off weights of the longer histories.
"""

import gzip
import math
import re
import zlib

from common.errors import DataError, DataIssue
from common.files import find_file
from common.regular import check_regular

BEGIN, END, UNKNOWN = "<s>", "</s>", "<unk>"
UNLISTED = -100.0  # log10 probability of an unknown word if the file has no <unk>; the minimum for all words
SECTION = re.compile(r"\\(\d+)-grams:$")
COUNT = re.compile(r"ngram\s+(\d+)\s*=\s*(\d+)$")


class NgramModel:
    """A back-off n-gram language model; all probabilities are natural logarithms.

    Args:
        path (str): an ARPA file, optionally compressed (.gz).

    Attributes:
        order (int): the order of the model.

    Raises:
        DataError: the file is missing or malformed; names the line.
    """

    def __init__(self, path):
        self.path = str(path)
        self.grams = read_arpa(path)  # {words: (log p of the last word, log back-off weight)}
        self.order = max(map(len, self.grams))
        self.unlisted = self.grams.get((UNKNOWN,), (UNLISTED * math.log(10), 0.0))[0]

    def known(self, word):
        """True if the word is in the vocabulary of the model."""
        return (word,) in self.grams

    def begin(self):
        """The history at the beginning of a text."""
        return (BEGIN,) if self.order > 1 else ()

    def after(self, history, word):
        """The history after another word, truncated to the part that affects later scores."""
        if self.order == 1:
            return ()
        word = word if self.known(word) else UNKNOWN
        history = (*history, word)[1 - self.order :]
        while len(history) > 1 and history not in self.grams:
            history = history[1:]
        return history

    def score(self, history, word):
        """log p(word | history) (float).

        Args:
            history (tuple[str]): the preceding words, of which the last `order - 1` are used.
            word (str): the word; unknown words are treated as `<unk>`.
        """
        if not self.known(word):
            word = UNKNOWN
        history = tuple(history)[max(0, len(history) - self.order + 1) :]
        weight = 0.0
        while True:
            found = self.grams.get((*history, word))
            if found is not None:
                return weight + found[0]
            if not history:
                return weight + self.unlisted
            weight += self.grams.get(history, (0.0, 0.0))[1]
            history = history[1:]

    def score_text(self, words, whole=True):
        """log p of a text (float).

        Args:
            words (list[str]): the text.
            whole (bool): includes the beginning and the end of the text.
        """
        history, total = self.begin() if whole else (), 0.0
        for word in [*words, END] if whole else words:
            total += self.score(history, word)
            history = self.after(history, word)
        return total


def read_arpa(path):
    """Reads the n-grams of a file: {words: (log p, log back-off)} in natural logarithms.

    Raises:
        DataError: see :class:`NgramModel`.
    """
    grams, counts, order, place = {}, {}, 0, 0
    seen = {}
    for place, line in iterate_lines(path):
        if line == "\\end\\":
            break
        if line == "\\data\\" and not order:
            order = -1
        elif order == 0:
            continue  # anything may precede the beginning
        elif match := SECTION.match(line):
            order = int(match[1])
            if order not in counts:
                raise arpa_error(path, place, f"n-grams of {order} words, which the header does not list")
        elif order == -1:
            match = COUNT.match(line)
            if match is None:
                raise arpa_error(path, place, f"'{line[:60]}', expected 'ngram N=COUNT'")
            counts[int(match[1])] = int(match[2])
        else:
            words, values = read_gram(path, place, line, order, max(counts))
            if words in grams:
                raise arpa_error(path, place, f"duplicate n-gram '{' '.join(words)}'")
            grams[words] = values
            seen[order] = seen.get(order, 0) + 1
    else:
        raise arpa_error(
            path, place, "ends without \\end\\: is the file complete?" if order else "no \\data\\: not an ARPA file"
        )
    for size, count in counts.items():
        if seen.get(size, 0) != count:
            raise arpa_error(path, place, f"{seen.get(size, 0)} n-grams of {size} words, {count} in the header")
    if not grams:
        raise arpa_error(path, place, "no n-grams: is it an ARPA file?")
    return grams


def read_gram(path, place, line, order, longest):
    """Parses one line (log10 p, words, optional log10 back-off weight): (words, (log p, log back-off))."""
    fields = line.split("\t")
    words, rest = tuple(" ".join(fields[1:2]).split()), fields[2:]
    if len(fields) == 1:  # spaces instead of tabs
        fields = line.split()
        words, rest = tuple(fields[1 : 1 + order]), fields[1 + order :]
    if len(words) != order or len(rest) > (order < longest):
        raise arpa_error(path, place, f"'{line[:60]}' is not an n-gram of {order} words")
    try:
        log_prob, weight = float(fields[0]), float(rest[0]) if rest else 0.0
    except ValueError:
        raise arpa_error(path, place, f"'{line[:60]}' does not begin and end with a number") from None
    if not log_prob <= 1e-6 or not math.isfinite(weight):
        raise arpa_error(
            path, place, f"'{line[:60]}': the first number must be a log10 probability, the last one finite"
        )
    return words, (max(log_prob, UNLISTED) * math.log(10), weight * math.log(10))


def iterate_lines(path):
    """Yields (line number, text) of the non-empty lines of a plain or compressed file."""
    file = find_file(path)
    number = 0
    try:
        check_regular(file)
        with open(file, "rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        with gzip.open(file, "rb") if packed else open(file, "rb") as stream:
            for number, line in enumerate(stream, 1):
                if text := line.decode("utf-8").strip(" \t\r\n"):
                    yield number, text
    except UnicodeDecodeError:
        raise arpa_error(path, number, "is not UTF-8 text") from None
    except (EOFError, zlib.error, OSError) as error:
        raise arpa_error(path, number, f"cannot be read: {error}") from error


def arpa_error(path, place, message):
    """The DataError for a line of a language model file."""
    return DataError(
        str(DataIssue("D160", "error", str(path), f"the language model: {message}", place=f"line {place}"))
    )
