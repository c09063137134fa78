"""A classifier with convolution, batch normalisation and dropout: it draws random numbers and keeps statistics."""

import paddle.nn.functional as F
from paddle import nn


class TinyNet(nn.Layer):
    """Classes of images [N, 3, 8, 8].

    Args:
        num_classes (int): C.
        width (int): channels inside.
        dropout (float): the part of the features that is dropped.
    """

    task = "Detection"
    inputs = {"image": ([None, 3, 8, 8], "float32")}
    outputs = ("scores",)

    def __init__(self, num_classes, width=8, dropout=0.3):
        super().__init__()
        self.conv = nn.Conv2D(3, width, 3, padding=1)
        self.norm = nn.BatchNorm2D(width)
        self.dropout = nn.Dropout(dropout)
        self.classify = nn.Linear(width, num_classes)

    def predict(self, image):
        """Logits [N, C]."""
        features = F.relu(self.norm(self.conv(image)))
        return self.classify(self.dropout(F.adaptive_avg_pool2d(features, 1).flatten(1)))

    def forward(self, image):
        """Scores [N, C]."""
        return F.softmax(self.predict(image))

    def loss(self, batch):
        """Cross entropy."""
        return {"loss_class": F.cross_entropy(self.predict(batch["image"]), batch["label"])}
