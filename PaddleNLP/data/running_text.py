"""A running text in consecutive pieces, for language models whose state is carried from batch to batch."""

from pathlib import Path

from common.data.issues import IssueList, raise_on_errors
from common.files import has_lone_surrogate, read_lines, replace_controls
from common.log import counted, logger


class RunningText:
    """The words of a file, with an end token behind each line, arranged in rows that are read in parallel.

    The text is cut into `rows` parts of equal length (the first ones have a word more), and each part into pieces of
    `steps` words.  Sample k is a piece of row k modulo `rows`, so that unshuffled batches of `rows` samples continue
    each other.  A sample has
        tokens      the word before the piece, and its words
        predicted   their number without the first, 0 to `steps`
        first       1 at the beginning of a row
        row, path, place

    Args:
        root (str): the folder.
        file (str): the file in it: a sentence a line, words separated by whitespace.
        rows (int): rows of a batch, `train.batch_size` times the processes, or `eval.batch_size`.
        steps (int): words of a piece.
        end (str): the token behind each line.
        lowercase (bool): converts the text to lowercase.
        encoding (str | None): character encoding of the file; null for UTF-8.

    Raises:
        DataError: the file cannot be read or has fewer words than rows; lists the lines.
    """

    what = "piece"
    padding = {}

    def __init__(self, root, file, rows, steps, end="<eos>", lowercase=False, encoding=None):
        if rows < 1 or steps < 1:
            raise ValueError(f"rows is {rows}, steps is {steps}; both are at least 1")
        self.source, self.rows, self.steps, self.end = str(Path(root) / file), rows, steps, end
        self.lowercase = lowercase
        problems, tokens, self.lines = IssueList(self.source), [end], [1]
        for number, line in enumerate(read_lines(self.source, encoding), 1):
            words = self.words_of(line, number, problems)
            tokens += words
            self.lines += [number] * len(words)
        if len(tokens) <= rows and not problems.errors:
            what = f"holds {counted(len(tokens) - 1, 'word')}, fewer than the {rows} rows that read it in parallel"
            problems.error("D117", what, fix="a smaller batch_size and rows, or more text")
        self.issues = problems.all()
        raise_on_errors(self.issues, "error", len(tokens))
        self.tokens, count = tokens, len(tokens) - 1
        self.begins = [row * (count // rows) + min(row, count % rows) for row in range(rows + 1)]
        self.pieces = -(-(self.begins[1] - self.begins[0]) // steps)  # of the longest row
        logger.info("%s: %s in %s", self.source, counted(count, "word"), counted(rows, "row"))

    def words_of(self, line, number, problems):
        """The words of a line and the end token; a line without words has none."""
        line, changed = replace_controls(line)
        if changed:
            problems.warn("D125", "control characters are read as spaces", f"line {number}")
        if has_lone_surrogate(line):
            problems.error("D123", "the text contains an unpaired surrogate", f"line {number}", image=number)
            return []
        words = (line.lower() if self.lowercase else line).split()
        return [*words, self.end] if words else []

    def __len__(self):
        return self.rows * self.pieces

    def __getitem__(self, index):
        """One piece, a new dict."""
        row, piece = index % self.rows, index // self.rows
        begin, last = self.begins[row] + piece * self.steps, self.begins[row + 1]
        return self.sample(begin, min(begin + self.steps, last) + 1) | {"first": int(piece == 0), "row": row}

    def sample(self, begin, stop):
        """The piece of the words from `begin` on, which are those of the text before `stop`."""
        tokens = self.tokens[begin:stop]
        place = f"line {self.lines[begin]}"
        return {"tokens": tokens, "predicted": len(tokens) - 1, "path": self.source, "place": place}

    def check(self, deep=False, cache=None):
        """The issues found while reading the file; there is nothing more to check."""
        return self.issues
