"""SiamMask: a Siamese tracker that gives a mask of the object too (https://arxiv.org/abs/1812.05050).

Shapes in this file:
    N tracks of C channels, templates of T x T and regions of S x S pixels, R x R cells of the response with K anchors
    each, masks of M x M cells before and T x T pixels after they are resized; P cells of a batch that have a mask.
"""

import numpy as np
import paddle
from paddle.nn import functional as F

from .mask_refine import MaskRefine, windows_at
from .siam_rpn import CorrelationBranch
from .siamese_resnet import STRIDES
from .tracker import Tracker, middle


class SiamMask(Tracker):
    """Region proposals, and for each cell of the correlation a mask of the window of the template's size about it.

    Without `refine` a convolution gives the mask of a cell; with it (the sharp variant) levels of the backbone refine
    the correlation of the cell.

    Args:
        rpn (Layer): a SiamRPN with a SiameseResNet.
        hidden (int): channels of the correlation of masks.
        size (int): M.
        refine (bool): the sharp variant; its training needs regions that are seen by few cells, such as 143 pixels.
        freeze (bool): the region proposals and their backbone are not trained and have no loss.
        mask_weight (float): of the loss of masks.
    """

    task = "MaskTracking"
    outputs = ("box", "score", "mask", "place")

    def __init__(self, rpn, hidden=256, size=63, refine=False, freeze=False, mask_weight=36.0):
        super().__init__(rpn.exemplar, rpn.instance)
        backbone = rpn.backbone
        self.rpn, self.size, self.mask_weight = rpn, size, mask_weight
        self.mask = CorrelationBranch(backbone.out_channels, hidden, size * size)
        self.windows = backbone.sizes(rpn.exemplar)
        self.refine = None
        if refine:
            self.refine = MaskRefine(hidden, backbone.level_channels, self.windows, rpn.exemplar)
        self.freeze = freeze
        for layer in [rpn] * freeze + [self.mask.head] * refine:
            for parameter in layer.parameters():
                parameter.stop_gradient = True

    @classmethod
    def from_config(cls, rpn, hidden=256, size=63, refine=False, freeze=False, mask_weight=36.0, *, build):
        """Builds the region proposals first; see the class for the arguments."""
        return cls(build(rpn), hidden, size, refine, freeze, mask_weight)

    def train(self, *args):
        """Training mode, but of frozen region proposals, which stay as they are."""
        super().train(*args)
        if self.freeze:
            self.rpn.eval()

    def predict(self, template, search):
        """Logits [N, K R R, 2], deltas [N, K R R, 4], the correlation [N, hidden, R, R] of masks, and the levels."""
        _, known = self.rpn.backbone.levels(template)
        levels, found = self.rpn.backbone.levels(search)
        return *self.rpn.split(known, found), self.mask.correlation(known, found), levels

    def forward(self, template, search, size):
        """`box` [N, 4] and `score` [N], see :class:`Tracker`; `mask` and `place`.

        Returns:
            tuple[Tensor]: and the probabilities `mask` float32 [N, T, T] of the pixels of a window of the region, whose
                center is `place` float32 [N, 2] (x, y) from that of the region.
        """
        logits, deltas, shared, levels = self.predict(template, search)
        box, score, best = self.rpn.choose(logits, deltas, size)
        cells = shared.shape[3]
        cell = best % (cells * cells)
        column = (shared.flatten(2) * F.one_hot(cell, cells * cells).unsqueeze(1)).sum(2)
        mask = self.draw(column, levels, cell // cells, cell % cells, cells)
        across, down = cell % cells, cell // cells
        place = paddle.stack([across, down], 1).astype("float32") - (cells - 1) / 2
        return box, score, F.sigmoid(mask), place * self.rpn.backbone.stride

    def draw(self, column, levels, down, across, cells):
        """The logits of masks [P, T, T].

        Args:
            column (Tensor): float32 [P, hidden], the correlation at each cell.
            levels (list[Tensor]): [P, C_i, H_i, W_i] of the region of each cell.
            down (Tensor): int64 [P], the row of each cell.
            across (Tensor): int64 [P], its column.
            cells (int): R.
        """
        column = column.reshape([-1, column.shape[1], 1, 1])
        if self.refine is None:
            return self.resize(self.mask.head(column).reshape([-1, self.size, self.size]))
        parts = []
        for level, window, stride in zip(levels, self.windows, STRIDES):
            step = self.rpn.backbone.stride // stride
            first = (level.shape[2] - window - step * (cells - 1)) // 2
            parts.append(windows_at(level, down * step + first, across * step + first, window))
        return self.refine(column, parts)

    def resize(self, logits):
        """Masks [P, M, M] resized to [P, T, T]."""
        large = F.interpolate(logits.unsqueeze(1), size=[self.exemplar] * 2, mode="bilinear", align_corners=True)
        return large.squeeze(1)

    def loss(self, batch):
        """`loss_mask`, and unless frozen `loss_score` and `loss_box` of :class:`SiamRPN`.

        Args:
            batch (dict): of :meth:`SiamRPN.loss`; mask uint8 [N, S, S] of the region, masked int64 [N]: 0 where the
                mask is not known.
        """
        search = middle(batch["search"], self.rpn.trained)
        logits, deltas, shared, levels = self.predict(batch["template"], search)
        labels, targets = self.rpn.targets(batch)
        losses = {} if self.freeze else self.rpn.losses(logits, deltas, labels, targets)
        cells = shared.shape[3]
        wanted = (labels.reshape(len(labels), -1, cells * cells) == 1).any(1)
        wanted &= np.asarray(batch["masked"]).reshape(-1, 1) > 0
        sample, cell = np.nonzero(wanted)
        weight = float(len(sample) > 0)  # without a mask to learn, that of the first cell counts nothing
        sample, cell = (sample, cell) if len(sample) else (np.zeros(1, np.int64), np.zeros(1, np.int64))
        masks = middle(np.asarray(batch["mask"])[:, None], self.rpn.trained)[:, 0]
        signs = mask_windows(masks, sample, cell, cells, self.exemplar, self.rpn.backbone.stride) * 2.0 - 1
        drawn = self.masks_of(shared, levels, *(paddle.to_tensor(v) for v in (sample, cell)), cells)
        loss = F.softplus(-drawn * paddle.to_tensor(signs.astype(np.float32))).mean()
        return losses | {"loss_mask": self.mask_weight * weight * loss}

    def masks_of(self, shared, levels, sample, cell, cells):
        """The logits [P, T, T] of the masks of cells (int64 [P]) of samples (int64 [P]) of a batch."""
        if self.refine is None:  # the statistics of the normalization are those of all cells
            all_of_them = self.mask.head(shared).flatten(2).transpose([0, 2, 1]).flatten(0, 1)  # [N R R, M M]
            rows = paddle.gather(all_of_them, sample * cells * cells + cell)
            return self.resize(rows.reshape([-1, self.size, self.size]))
        columns = paddle.gather(shared.flatten(2).transpose([0, 2, 1]).flatten(0, 1), sample * cells * cells + cell)
        return self.draw(
            columns, [paddle.gather(level, sample) for level in levels], cell // cells, cell % cells, cells
        )


def mask_windows(masks, sample, cell, cells, size, stride):
    """The parts of masks that cells see, zero outside of the region: uint8 [P, T, T].

    Args:
        masks (ndarray): uint8 [N, S, S].
        sample (ndarray): int64 [P], the region of each cell.
        cell (ndarray): int64 [P], its number, row by row.
        cells (int): R.
        size (int): T.
        stride (int): pixels from one cell to the next.
    """
    first = (masks.shape[1] - size - stride * (cells - 1)) // 2 + size
    around = np.pad(masks, ((0, 0), (size, size), (size, size)))
    rows, columns = first + stride * (cell // cells), first + stride * (cell % cells)
    return np.stack([around[n, y : y + size, x : x + size] for n, y, x in zip(sample, rows, columns)])
