"""A classifier of frames: the acoustic model of a hybrid of network and hidden Markov model (HMM).

Shapes in this file:
    N utterances of T frames (padded), F features of a frame, C states.
"""

from paddle import nn
from paddle.nn import functional

from common.layers.ctc import frame_log_probabilities


class FrameClassifier(nn.Layer):
    """The probabilities of the states of an HMM for every frame, trained on aligned frames by cross entropy.

    Args:
        encoder (Layer): acoustic features and lengths to features, lengths and mask.
        num_classes (int): C.
    """

    task = "HybridRecognition"
    outputs = ("log_probs", "length")

    def __init__(self, encoder, num_classes):
        super().__init__()
        self.encoder, self.head = encoder, nn.Linear(encoder.out_channels, num_classes)
        self.inputs = {
            "features": ([None, None, encoder.num_features], "float32"),
            "feature_length": ([None], "int64"),
        }

    @classmethod
    def from_config(cls, encoder, num_classes, build):
        """Builds the encoder, then the layer for its features.

        Args:
            encoder (node): a network of PaddleSpeech/models/encoders, such as DeepASREncoder.
            num_classes (int): C.
        """
        return cls(build(encoder), num_classes)

    def predict(self, features, feature_length):
        """Logits of the states of every frame, [N, T, C]."""
        return self.head(self.encoder(features, feature_length)[0])

    def forward(self, features, feature_length):
        """Log probabilities of the states.

        Args:
            features (Tensor): float32 [N, T, F].
            feature_length (Tensor): int64 [N], 1 to T.

        Returns:
            tuple[Tensor, Tensor]: float32 [N, T, C], and the frames of each utterance, int64 [N].
        """
        x, length, _ = self.encoder(features, feature_length)
        return frame_log_probabilities(self.head(x)), length

    def loss(self, batch):
        """The mean cross entropy over the frames of `features`, `feature_length` and `labels` int32 [N, T]."""
        x, _, mask = self.encoder(batch["features"], batch["feature_length"])
        logits, labels = self.head(x), batch["labels"].astype("int64").unsqueeze(2)
        losses = functional.cross_entropy(logits, labels, reduction="none").squeeze(2)
        return {"loss_frames": (losses * mask).sum() / mask.sum()}
