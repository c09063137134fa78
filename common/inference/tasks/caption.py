"""Captions: a sentence about each video, or about an event of it, from a file of features."""

from common.inference.tasks.feature_classification import synthetic_features
from common.inference.tasks.text_to_text import TextToText


class Caption(TextToText):
    """Writes one or several sentences about each video.

    Args:
        vocab (str): the vocabulary file of the words.
        unknown (str): its unknown token.
        end (str): the token that ends a sentence.
        joiner (str): between words.
    """

    input = "features"
    files = ("vocab",)

    def __init__(self, vocab, unknown="<unk>", end="<e>", joiner=" "):
        super().__init__(vocab=vocab, unknown=unknown, end=end, joiner=joiner)

    def synthetic(self, inputs):
        """Features of some frames."""
        return synthetic_features(inputs)

    def line(self, sample, records):
        """The name of a video and its best sentence."""
        return f"{sample['name']}: {super().line(sample, records)}"
