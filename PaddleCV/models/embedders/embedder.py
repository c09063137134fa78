"""Metric learning: images to vectors, so that images of the same class, known or not, are near each other.

Shapes in this file:
    N images of D channels (3 of RGB) and H x W pixels, E numbers of an embedding, C classes of the training data.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.errors import ConfigError

from ..backbones.staged import image_channels


class Embedder(nn.Layer):
    """A backbone and a head that turns its last features into an embedding, trained by a loss of classes or of pairs.

    The recipe has two stages: a loss of classes first (MarginSoftmax, ArcMargin), then a loss of pairs (TripletLoss,
    QuadrupletLoss, EnsembleMetricLoss, NPairsLoss) that begins with its weights, `pretrained=`.  The weights of
    classes are neither among those of a checkpoint nor exported: the classes to search among are others.

    Args:
        backbone (Layer): image to features, from the finest to the coarsest.
        head (Layer): features to embeddings [N, E].
        loss (Layer): embeddings and class numbers to a number.
        normalize (bool): what is predicted has length 1, so that inner products are cosines.
    """

    task = "Embedding"
    outputs = ("embedding",)
    training_only = ("loss_terms",)

    def __init__(self, backbone, head, loss, normalize=True):
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.loss_terms = loss
        self.normalize = normalize
        self.inputs = {"image": ([None, image_channels(backbone), None, None], "float32")}

    @classmethod
    def from_config(cls, backbone, head, loss, num_classes=None, normalize=True, *, build):
        """Builds the parts in order; the loss is given the size of the embedding and the number of classes.

        Args:
            backbone (node): a network of PaddleCV/models/backbones.
            head (node): EmbeddingHead.
            loss (node): a loss of PaddleCV/models/losses/metric_losses.py.
            num_classes (int | None): C; None where the data to search in have none, or none that matter.
            normalize (bool): embeddings have length 1.
        """
        backbone = build(backbone)
        head = build(head, in_channels=backbone.out_channels)
        return cls(backbone, head, build(loss, embedding_size=head.out_channels, num_classes=num_classes), normalize)

    def predict(self, image):
        """The embedding [N, E] as the head gives it, which the losses take."""
        return self.head(self.backbone(image))

    def forward(self, image):
        """The embedding [N, E], of length 1 if the model normalizes.

        Args:
            image (Tensor): float32 [N, D, H, W].
        """
        embedding = self.predict(image)
        return F.normalize(embedding, axis=1) if self.normalize else embedding

    def loss(self, batch):
        """The loss of a batch, a mean over its images or triplets.

        Args:
            batch (dict): image [N, D, H, W], label int64 [N].

        Raises:
            ConfigError: the images have no labels, or the loss needs batches of another composition.
        """
        if "label" not in batch or batch["label"].ndim != 1:
            raise ConfigError(f"{type(self.loss_terms).__name__} needs one class per image, which the data do not have")
        embedding = self.predict(batch["image"])
        with paddle.amp.auto_cast(enable=False):  # differences of squares, and exponents beyond those of float16
            return {"loss_metric": self.loss_terms(embedding.astype("float32"), batch["label"])}
