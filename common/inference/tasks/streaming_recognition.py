"""Streaming speech recognition: a model that takes a recording in pieces, whose caller keeps its state between them."""

from common.inference.tasks.speech_recognition import SpeechRecognition
from common.inference.tasks.tensors import Tensors


class StreamingRecognition(SpeechRecognition):
    """Streaming speech recognition; `common.inference.speech_stream.SpeechStream` makes the text of the pieces.

    Args:
        decoder (BeamSearch): how log probabilities become a text; null takes the best path.
        threshold (float): not used; the text of a stream has no score.
    """

    input = "tensors"
    columns = {}

    def records(self, outputs, samples, labels, threshold):
        """The outputs of each piece as they are, see :class:`Tensors`."""
        return Tensors().records(outputs, samples, labels, threshold)
