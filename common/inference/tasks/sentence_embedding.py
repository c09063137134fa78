"""Sentence embeddings: a text as a vector, to be compared with those of other texts."""

from common.inference.tasks.embedding import Embedding


class SentenceEmbedding(Embedding):
    """An embedding of each text, of length 1; inner products are cosines.

    Args:
        column (str): column of the text in tables of a user.
    """

    input = "text"

    def __init__(self, column=None):
        self.column = column

    def line(self, sample, records):
        """The vector's size, its first numbers and the text; an empty line for an empty text."""
        return super().line({"name": sample["text_a"]}, records) if records else ""
