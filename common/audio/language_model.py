"""N-gram language models in the ARPA format, which KenLM, SRILM and `PaddleSpeech/tools/make_arpa.py` write.

With back-off (Katz 1987): log p(w | h) is that of the longest n-gram h' w in the file, h' the end of h, plus the
back-off weights of the histories that were given up for it.
"""

import gzip
import math
import re
import zlib

from common.errors import DataError, DataIssue
from common.files import find_file

BEGIN, END, UNKNOWN = "<s>", "</s>", "<unk>"
UNLISTED = -100.0  # log10 of the probability of an unknown word where the file has no <unk>; of none it is not less
SECTION = re.compile(r"\\(\d+)-grams:$")
COUNT = re.compile(r"ngram\s+(\d+)\s*=\s*(\d+)$")


class NgramModel:
    """A language model; all probabilities are natural logarithms.

    Args:
        path (str): an ARPA file, perhaps compressed (.gz).

    Attributes:
        order (int): words of its longest n-grams.

    Raises:
        DataError: the file is missing or no such model; names the line.
    """

    def __init__(self, path):
        self.path = str(path)
        self.grams = read_arpa(path)  # {words: (log p of the last one, log of the back-off weight)}
        self.order = max(map(len, self.grams))
        self.unlisted = self.grams.get((UNKNOWN,), (UNLISTED * math.log(10), 0.0))[0]

    def known(self, word):
        """Whether the model has a word of its own."""
        return (word,) in self.grams

    def begin(self):
        """The history of a text that begins."""
        return (BEGIN,) if self.order > 1 else ()

    def after(self, history, word):
        """The history after another word, as short as makes no difference."""
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
            history (tuple[str]): the words before, of which the last `order - 1` count.
            word (str): one that the model does not have counts as `<unk>`.
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
        """log p of a text (float), with its beginning and its end where it is `whole`.

        Args:
            words (list[str]): the text.
            whole (bool): whether it begins and ends here.
        """
        history, total = self.begin() if whole else (), 0.0
        for word in [*words, END] if whole else words:
            total += self.score(history, word)
            history = self.after(history, word)
        return total


def read_arpa(path):
    """The n-grams of a file, {words: (log p, log back-off)} in natural logarithms.

    Raises:
        DataError: see :class:`NgramModel`.
    """
    grams, counts, order, place = {}, {}, 0, 0
    seen = {}
    for place, line in numbered_lines(path):
        if line == "\\end\\":
            break
        if line == "\\data\\" and not order:
            order = -1
        elif order == 0:
            continue  # before the beginning anything may stand
        elif match := SECTION.match(line):
            order = int(match[1])
            if order not in counts:
                raise bad(path, place, f"n-grams of {order} words, which the head does not count")
        elif order == -1:
            match = COUNT.match(line)
            if match is None:
                raise bad(path, place, f"'{line[:60]}' where 'ngram N=COUNT' is expected")
            counts[int(match[1])] = int(match[2])
        else:
            words, values = read_gram(path, place, line, order, max(counts))
            if words in grams:
                raise bad(path, place, f"'{' '.join(words)}' is there twice")
            grams[words] = values
            seen[order] = seen.get(order, 0) + 1
    else:
        raise bad(path, place, "ends without \\end\\: is the file complete?" if order else "no \\data\\: no ARPA file")
    for size, count in counts.items():
        if seen.get(size, 0) != count:
            raise bad(path, place, f"{seen.get(size, 0)} n-grams of {size} words; the head counts {count}")
    if not grams:
        raise bad(path, place, "no n-grams: is it an ARPA file?")
    return grams


def read_gram(path, place, line, order, longest):
    """(words, (log p, log back-off)) of one line: log10 p, words, perhaps the log10 of a back-off weight."""
    fields = line.split("\t")
    words, rest = tuple(" ".join(fields[1:2]).split()), fields[2:]
    if len(fields) == 1:  # blanks in place of tabs
        fields = line.split()
        words, rest = tuple(fields[1 : 1 + order]), fields[1 + order :]
    if len(words) != order or len(rest) > (order < longest):
        raise bad(path, place, f"'{line[:60]}' is no n-gram of {order} words")
    try:
        chance, weight = float(fields[0]), float(rest[0]) if rest else 0.0
    except ValueError:
        raise bad(path, place, f"'{line[:60]}' begins or ends with no number") from None
    if not chance <= 1e-6 or not math.isfinite(weight):
        raise bad(path, place, f"'{line[:60]}': the first is the log10 of a probability, the last one finite")
    return words, (max(chance, UNLISTED) * math.log(10), weight * math.log(10))


def numbered_lines(path):
    """(number, text) of the lines that are not empty, of a plain or compressed file."""
    file = find_file(path)
    number = 0
    try:
        with open(file, "rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        with gzip.open(file, "rb") if packed else open(file, "rb") as stream:
            for number, line in enumerate(stream, 1):
                if text := line.decode("utf-8").strip(" \t\r\n"):
                    yield number, text
    except UnicodeDecodeError:
        raise bad(path, number, "is no UTF-8 text") from None
    except (EOFError, zlib.error, OSError) as error:
        raise bad(path, number, f"cannot be read: {error}") from error


def bad(path, place, message):
    """The DataError of a line."""
    return DataError(
        str(DataIssue("D160", "error", str(path), f"the language model: {message}", place=f"line {place}"))
    )
