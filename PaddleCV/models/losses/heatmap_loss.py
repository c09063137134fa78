"""The loss of heat maps of keypoints (https://arxiv.org/abs/1804.06208, section 2).

Shapes in this file:
    N images, K keypoints, h x w cells of a heat map.
"""

from paddle import nn

from ..keypoints.heatmaps import draw_heatmaps


class HeatmapMSE(nn.Layer):
    """Half of the mean squared error of the heat maps; keypoints that are not labeled do not count.

    Args:
        sigma (float): standard deviation of the targets in cells; the original kit has 3, the paper 2.
    """

    def __init__(self, sigma=3.0):
        super().__init__()
        if not sigma > 0:
            raise ValueError(f"HeatmapMSE got sigma {sigma}; it must be above 0")
        self.sigma = sigma

    def forward(self, heatmaps, positions, visible, center):
        """A scalar.

        Args:
            heatmaps (Tensor): float32 [N, K, h, w].
            positions (Tensor): float32 [N, K, 2], x and y in cells.
            visible (Tensor): [N, K], above 0 for keypoints that are labeled.
            center (float): position in a cell that it stands for.
        """
        target = draw_heatmaps(positions, *heatmaps.shape[2:], self.sigma, center)
        weight = (visible > 0).astype("float32").unsqueeze([2, 3])
        return 0.5 * (weight * (heatmaps - target) ** 2).mean()
