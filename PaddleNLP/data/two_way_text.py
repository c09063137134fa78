"""A running text in consecutive pieces of both directions, for bidirectional language models."""

from .running_text import RunningText


class TwoWayText(RunningText):
    """The pieces of a text, each with one of the text whose lines are read from right to left.

    Lines follow each other as they are in the file, in both texts, so that a piece and the other one are cut at the
    same places. A sample also has
        backward    the word before the other piece, and its words

    Args:
        root (str): the folder.
        file (str): the file in it: a sentence a line, words separated by whitespace.
        rows (int): rows of a batch, `train.batch_size` times the processes, or `eval.batch_size`.
        steps (int): words of a piece.
        end (str): the token behind each line.
        lowercase (bool): converts the text to lowercase.
        encoding (str | None): character encoding of the file; null for UTF-8.
    """

    def __init__(self, root, file, rows, steps, end="<eos>", lowercase=False, encoding=None):
        super().__init__(root, file, rows, steps, end, lowercase, encoding)
        self.backward, line = [end], []
        for word in self.tokens[1:]:
            if word == end:
                self.backward += [*reversed(line), end]
                line = []
            else:
                line.append(word)

    def sample(self, begin, stop):
        """See RunningText."""
        return super().sample(begin, stop) | {"backward": self.backward[begin:stop]}
