"""Image classification, of one class or several per image: backbone, head, loss.

Shapes in this file:
    N images of D channels (3 of RGB) and H x W pixels, C classes.
"""

from paddle import nn
from paddle.nn import functional as F

from common.errors import ConfigError

from ..backbones.staged import image_channels


class ImageClassifier(nn.Layer):
    """A backbone, and a head that turns its last features into logits.

    A head takes the list of the backbone's features and gives logits [N, C].  One with a method `auxiliary(features)`
    gives a list of further logits for training alone; each adds its loss times the head's `auxiliary_weight`.

    Args:
        backbone (Layer): image to features, from the finest to the coarsest.
        head (Layer): features to logits.
        loss (Layer): logits and targets to a number; its `multi_label` says whether an image has several classes.
    """

    task = "ImageClassification"
    outputs = ("scores",)

    def __init__(self, backbone, head, loss):
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.loss_terms = loss
        self.inputs = {"image": ([None, image_channels(backbone), None, None], "float32")}

    @classmethod
    def from_config(cls, backbone, head, loss, num_classes, build):
        """Builds the parts in order; the head is given the channels of the backbone.

        Args:
            backbone (node): a network of PaddleCV/models/backbones.
            head (node): ClassifierHead, or the head of the backbone's own paper.
            loss (node): CrossEntropy, FocalLoss, or MultiLabelLoss for images of several classes.
            num_classes (int): C.
        """
        backbone = build(backbone)
        head = build(head, in_channels=backbone.out_channels, num_classes=num_classes)
        return cls(backbone, head, build(loss))

    def predict(self, image):
        """Logits [N, C]."""
        return self.head(self.backbone(image))

    def training_outputs(self, image):
        """All logits that training uses, a list: those of `predict`, then those of an auxiliary head."""
        features = self.backbone(image)
        return [self.head(features), *(self.head.auxiliary(features) if hasattr(self.head, "auxiliary") else ())]

    def forward(self, image):
        """Scores [N, C]: the softmax of the logits, or for images of several classes the sigmoid of each.

        Args:
            image (Tensor): float32 [N, D, H, W].
        """
        logits = self.predict(image)
        return F.sigmoid(logits) if self.loss_terms.multi_label else F.softmax(logits)

    def loss(self, batch):
        """The terms of the loss, each a mean over the images.

        Args:
            batch (dict): image [N, D, H, W]; label int64 [N], or float32 [N, C] of several classes; and, where
                images are blended, soft_label float32 [N, C], which is taken instead.

        Raises:
            ConfigError: the images have no labels, or not labels of the kind that the loss takes.
        """
        target = target_of(batch, self.loss_terms)
        logits, *auxiliary = self.training_outputs(batch["image"])
        losses = {"loss_class": self.loss_terms(logits, target)}
        for number, more in enumerate(auxiliary, 1):
            losses[f"loss_aux{number}"] = self.head.auxiliary_weight * self.loss_terms(more, target)
        return losses


def target_of(batch, loss):
    """The `soft_label` of a batch where there is one, else its `label`.

    Raises:
        ConfigError: it has none, or not one of the kind that the loss takes.
    """
    if "label" not in batch:
        raise ConfigError(f"the images have no labels, which {type(loss).__name__} compares the predictions with")
    if loss.multi_label != (batch["label"].ndim == 2):
        given, fit = "several classes", "MultiLabelLoss"
        if loss.multi_label:
            given, fit = "one class", "CrossEntropy"
        raise ConfigError(f"{type(loss).__name__} does not suit data of {given} per image; {fit} does (model.loss)")
    return batch.get("soft_label", batch["label"])
