"""Speech recognition while a recording comes in, by a model that `PaddleSpeech/tools/export_chunks.py` exported.

Shapes in this file:
    S samples of a piece, t frames of features, F features of a frame, T' steps of the model, C tokens with the blank.
"""

import numpy as np

from common.audio.features import Features
from common.audio.stream import FeatureStream
from common.errors import ConfigError
from common.inference.tasks.speech_recognition import beam_of
from common.text.characters import labels_to_text

WHOLE = ("NormalizeUtterance", "NormalizeVolume")


class SpeechStream:
    """The text of a recording as far as it has come in; at its end the same as that of the whole recording.

    Args:
        predictor (Predictor): of the exported folder.

    Raises:
        ConfigError: the export takes whole recordings only, or its features look beyond their frames.
    """

    def __init__(self, predictor):
        self.predictor, about = predictor, predictor.about
        if "begin" not in about:
            raise ConfigError(f"{predictor.folder} takes whole recordings; export the model with export_chunks.py")
        transforms = {type(transform).__name__: transform for transform in predictor.pipeline.transforms}
        whole = next((name for name in WHOLE if name in transforms), None)
        if whole:
            raise ConfigError(f"{predictor.folder}: {whole} sees whole recordings; take NormalizeFeatures for a stream")
        self.rate, self.channel = transforms["DecodeAudio"].rate, transforms["DecodeAudio"].channel
        features = next(transform for transform in transforms.values() if isinstance(transform, Features))
        self.frames, self.normalize = FeatureStream(features, self.rate), transforms.get("NormalizeFeatures")
        self.decoder = predictor.task.decoder
        self.reset()

    def reset(self):
        """Goes to the start of another recording."""
        self.frames.reset()
        self.kept = {name: np.zeros(shape, np.float32) for name, shape in self.predictor.about["begin"].items()}
        self.waiting, self.least = np.zeros((0, self.predictor.inputs["features"][0][2]), np.float32), None
        self.path, self.last = [], 0
        self.beam = None if self.decoder is None else beam_of(self.decoder, self.predictor.labels)

    def feed(self, audio):
        """Takes the next piece, float32 [S] in [-1, 1], and returns the text so far."""
        features = self.frames.feed(audio)
        if self.normalize is not None and len(features):
            features = self.normalize.normalize(features)
        self.waiting = np.concatenate([self.waiting, features])
        about = self.predictor.about
        least = self.least or about["first_frames"]
        if len(self.waiting) > least:  # one frame stays for the end
            self.run(self.waiting[:-1], final=False)
            self.waiting, self.least = self.waiting[-1:], about["time_stride"]
        return self.text()

    def finish(self):
        """The text, when nothing more comes; then goes to the start of another recording."""
        if len(self.waiting):
            self.run(self.waiting, final=True)
        text = self.text()
        self.reset()
        return text

    def run(self, features, final):
        """Runs the model on features [t, F]; returns log probabilities [T', C]."""
        inputs = {"features": features[None], "final": np.array([final], np.int64), **self.kept}
        outputs = self.predictor.run(inputs)
        self.kept = {name: outputs[f"next_{name}"] for name in self.kept}
        log_probs = outputs["log_probs"][0]
        if self.beam is not None:
            self.beam.feed(log_probs)
        for token in log_probs.argmax(1).tolist():
            if token not in (0, self.last):
                self.path.append(token)
            self.last = token
        return log_probs

    def text(self):
        """The text so far."""
        tokens = self.path if self.beam is None else self.beam.texts()[0][0]
        text = labels_to_text(tokens, self.predictor.labels)
        return text if self.beam is None else " ".join(text.split())
