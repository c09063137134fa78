"""From features of sound to a text: encoder, head, CTC.

Shapes in this file:
    N utterances of T frames (padded), F features of a frame, T' frames after the encoder, C tokens with the blank.
"""

from paddle import nn

from ..decoders.greedy_decoder import GreedyDecoder
from ..heads.ctc_head import log_probabilities


class SpeechRecognizer(nn.Layer):
    """A model trained by connectionist temporal classification.

    Args:
        encoder (Layer): features and lengths to features and lengths; with `num_features`.
        head (Layer): to scores of tokens.
        loss (Layer): of scores and texts.
    """

    task = "SpeechRecognition"
    outputs = ("ids", "score", "log_probs", "length")

    def __init__(self, encoder, head, loss):
        super().__init__()
        self.encoder, self.head, self.criterion, self.decoder = encoder, head, loss, GreedyDecoder()
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
        """Scores of the tokens of each frame before the softmax, [N, T', C]."""
        return self.head(self.encoder(features, feature_length)[0])

    def forward(self, features, feature_length):
        """What is heard.

        Args:
            features (Tensor): float32 [N, T, F].
            feature_length (Tensor): int64 [N], 1 to T.

        Returns:
            tuple: the tokens int64 [N, T'], 0 after the end; how sure they are, float32 [N]; log probabilities
                float32 [N, T', C]; frames of each utterance, int64 [N].
        """
        x, length = self.encoder(features, feature_length)
        log_probs = log_probabilities(self.head(x))
        ids, score = self.decoder(log_probs, length)
        return ids, score, log_probs, length

    def loss(self, batch):
        """The loss of `features`, `feature_length`, `labels` int32 [N, U] and `label_length` int64 [N]."""
        x, length = self.encoder(batch["features"], batch["feature_length"])
        return self.criterion(self.head(x), length, batch["labels"], batch["label_length"])
