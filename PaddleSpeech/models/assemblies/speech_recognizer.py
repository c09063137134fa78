"""A CTC speech recognizer: encoder, head, loss and greedy decoder.

Shapes in this file:
    N utterances of T frames (padded), F features of a frame, T' frames after the encoder, C tokens with the blank.
"""

from paddle import nn

from common.layers.ctc import GreedyDecoder, frame_log_probabilities


class SpeechRecognizer(nn.Layer):
    """A speech recognizer trained with connectionist temporal classification.

    Args:
        encoder (Layer): acoustic features and lengths to features and lengths; with `num_features`.
        head (Layer): features to logits.
        loss (Layer): of logits and texts, such as CTCLoss.
    """

    task = "SpeechRecognition"
    outputs = ("ids", "score", "log_probs", "length")

    def __init__(self, encoder, head, loss):
        super().__init__()
        self.encoder, self.head, self.losses, self.decoder = encoder, head, loss, GreedyDecoder()
        self.inputs = {
            "features": ([None, None, encoder.num_features], "float32"),
            "feature_length": ([None], "int64"),
        }

    @classmethod
    def from_config(cls, encoder, head, loss, num_classes, build):
        """Builds the encoder, then the head for its features.

        Args:
            encoder (node): a network of PaddleSpeech/models/encoders.
            head (node): CTCHead.
            loss (node): CTCLoss.
            num_classes (int): C.
        """
        encoder = build(encoder)
        return cls(encoder, build(head, in_channels=encoder.out_channels, num_classes=num_classes), build(loss))

    def predict(self, features, feature_length):
        """Logits of the tokens of every frame, [N, T', C]."""
        return self.head(self.encoder(features, feature_length)[0])

    def forward(self, features, feature_length):
        """The recognized text.

        Args:
            features (Tensor): float32 [N, T, F].
            feature_length (Tensor): int64 [N], 1 to T.

        Returns:
            tuple: the tokens int64 [N, T'], padded with 0; the confidence, float32 [N]; log probabilities float32
                [N, T', C]; output frames of each utterance, int64 [N].
        """
        x, length = self.encoder(features, feature_length)
        log_probs = frame_log_probabilities(self.head(x))
        ids, score = self.decoder(log_probs, length)
        return ids, score, log_probs, length

    def loss(self, batch):
        """The loss of `features`, `feature_length`, `labels` int32 [N, U] and `label_length` int64 [N]."""
        x, length = self.encoder(batch["features"], batch["feature_length"])
        return self.losses(self.head(x), length, batch["labels"], batch["label_length"])
