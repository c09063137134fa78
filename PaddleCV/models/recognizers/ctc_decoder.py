"""The decoder of CRNN: connectionist temporal classification of the columns, read along the best path.

Shapes in this file:
    N images of T steps (padded), D features of a step, C classes with the blank, which has id 0.
"""

from paddle import nn

from common.layers.ctc import CTCHead, CTCLoss, GreedyDecoder, frame_log_probabilities


class CTCDecoder(nn.Layer):
    """A linear layer, the CTC loss and greedy decoding.

    Args:
        in_channels (int): D, given by the encoder.
        num_classes (int): C.
        per_frame (bool): whether the gradient of each image is divided by its steps, as in the original.
        reduction (str): of the loss over the images, `sum` as in the original, or `mean`.
    """

    def __init__(self, in_channels, num_classes, per_frame=True, reduction="sum"):
        super().__init__()
        self.head, self.search = CTCHead(in_channels, num_classes), GreedyDecoder()
        self.terms = CTCLoss(per_frame=per_frame, reduction=reduction)

    def spell(self, features, steps):
        """The texts of features [N, T, D] of int64 [N] steps each.

        Returns:
            tuple[Tensor, Tensor]: ids int64 [N, T], filled with 0; float32 [N], the geometric mean over the steps of
                the probability of the best class.
        """
        return self.search(frame_log_probabilities(self.head(features)), steps)

    def loss(self, features, steps, labels, label_length):
        """`loss_ctc` of texts int32 [N, U] of int64 [N] characters each; raises DataError as `ctc_loss`."""
        return self.terms(self.head(features), steps, labels, label_length)
