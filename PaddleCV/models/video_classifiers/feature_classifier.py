"""Classification of videos by features of their frames and of their sound, which other networks have extracted.

Shapes in this file:
    N videos of T frames (padded) of I features of the image and J of the sound, C classes.
"""

from paddle import nn
from paddle.nn import functional as F

from ..classifiers.image_classifier import target_of


class FeatureClassifier(nn.Layer):
    """An aggregator of frames, and a head that turns its vector into logits.

    Args:
        aggregator (Layer): streams and lengths to a vector; of PaddleCV/models/feature_aggregators.
        head (Layer): vectors to logits.
        loss (Layer): logits and targets to a number.
        sizes (list[int]): I and J.
    """

    task = "FeatureClassification"
    outputs = ("scores",)

    def __init__(self, aggregator, head, loss, sizes):
        super().__init__()
        self.aggregator, self.head, self.loss_terms = aggregator, head, loss
        rgb, audio = sizes
        self.inputs = {
            "rgb": ([None, None, rgb], "float32"),
            "audio": ([None, None, audio], "float32"),
            "length": ([None], "int64"),
        }

    @classmethod
    def from_config(cls, aggregator, head, loss, num_classes, build, sizes=(1024, 128)):
        """Builds the parts in order; the aggregator is given the sizes, the head the size of its vector.

        Args:
            aggregator (node): AttentionLSTM, AttentionCluster or NeXtVLAD.
            head (node): TanhHead.
            loss (node): MultiLabelLoss, or CrossEntropy for videos of one class.
            num_classes (int): C.
            sizes (list[int]): I and J, numbers of features of a frame and of its sound.
        """
        aggregator = build(aggregator, in_channels=list(sizes))
        head = build(head, in_channels=aggregator.out_channels, num_classes=num_classes)
        return cls(aggregator, head, build(loss), sizes)

    def predict(self, rgb, audio, length):
        """Logits [N, C]."""
        return self.head(self.aggregator([rgb, audio], length))

    def forward(self, rgb, audio, length):
        """Scores [N, C]: the sigmoid of each class, or the softmax of one class per video.

        Args:
            rgb (Tensor): float32 [N, T, I].
            audio (Tensor): float32 [N, T, J].
            length (Tensor): int64 [N], from 1 to T.
        """
        logits = self.predict(rgb, audio, length)
        return F.sigmoid(logits) if self.loss_terms.multi_label else F.softmax(logits)

    def loss(self, batch):
        """`loss_class` of a batch: the inputs, and label float32 [N, C], or int64 [N] of one class."""
        target = target_of(batch, self.loss_terms)
        return {"loss_class": self.loss_terms(self.predict(*(batch[name] for name in self.inputs)), target)}
