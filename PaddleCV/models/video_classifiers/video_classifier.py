"""Classification of videos from some of their frames: backbone, head, loss.

Shapes in this file:
    N videos of V views (clips, or crops of one) of T frames of H x W pixels, C classes.
"""

from paddle.nn import functional as F

from ..classifiers.image_classifier import ImageClassifier
from ..video_backbones.tsn import mean_over_axis_1


class VideoClassifier(ImageClassifier):
    """A backbone of clips, and a head that turns its features into logits.

    Where a backbone takes clips of T frames (its `view_frames`) and a sample has more, these are V views of the video
    one after the other, whose scores are averaged.

    Args:
        backbone (Layer): clips [M, T, 3, H, W] to features, the last of them [M, D, 1, 1].
        head (Layer): features to logits.
        loss (Layer): logits and targets to a number.
    """

    task = "VideoClassification"

    def __init__(self, backbone, head, loss):
        super().__init__(backbone, head, loss)
        self.inputs = {"clip": ([None, None, 3, None, None], "float32")}

    def views(self, clip):
        """Logits of each view, [N, V, C]."""
        frames = self.backbone.view_frames
        given = clip if frames is None else clip.flatten(0, 1).reshape([-1, frames, 3, *clip.shape[3:]])
        logits = self.head(self.backbone(given))
        return logits.reshape([clip.shape[0], -1, logits.shape[1]])

    def predict(self, clip):
        """Logits [N, C], the mean over the views.

        Args:
            clip (Tensor): float32 [N, V T, 3, H, W].
        """
        return mean_over_axis_1(self.views(clip))

    def forward(self, clip):
        """Scores [N, C]: the softmax of each view, or the sigmoid of several classes, averaged over the views.

        Args:
            clip (Tensor): float32 [N, V T, 3, H, W].
        """
        logits = self.views(clip)
        return mean_over_axis_1(F.sigmoid(logits) if self.loss_terms.multi_label else F.softmax(logits))

    def training_outputs(self, clip):
        """All logits that training uses, a list of those of `predict`."""
        return [self.predict(clip)]

    def loss(self, batch):
        """The terms of the loss, see :meth:`ImageClassifier.loss`; the batch has `clip` [N, V T, 3, H, W]."""
        return super().loss(batch | {"image": batch["clip"]})
