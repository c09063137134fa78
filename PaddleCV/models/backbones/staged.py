"""The base of all backbones: a stem, stages after it, and the choice of the stages whose features are returned.

Shapes in this file:
    N images of H x W pixels.
"""

from paddle import nn

from ..blocks.batch_norm import freeze


class StagedBackbone(nn.Layer):
    """Base class of networks of `stem` and `stages` that return the features of some of their stages.

    A backbone builds both and then calls `finish`; where nothing comes before the stages, its stem is an Identity.
    """

    def finish(self, out_indices, channels, strides, freeze_stages):
        """Publishes `out_channels` and `strides`, and freezes what is not trained.

        Args:
            out_indices (tuple[int, ...]): the stages whose outputs are returned.
            channels (list[int]): of the output of each stage.
            strides (list[int]): pixels of the image to one of each stage's output.
            freeze_stages (int): the stem and this many stages are not trained; 0 trains all.

        Raises:
            ValueError: there are not as many stages to freeze.
        """
        if not 0 <= freeze_stages <= len(self.stages):
            raise ValueError(
                f"{type(self).__name__} has {len(self.stages)} stages up to its last output; "
                f"freeze_stages is 0 to that, not {freeze_stages}"
            )
        self.out_indices = out_indices
        self.out_channels = [channels[index] for index in out_indices]
        self.strides = [strides[index] for index in out_indices]
        if freeze_stages:
            for part in (self.stem, *self.stages[:freeze_stages]):
                freeze(part)

    def forward(self, image):
        """Features [N, out_channels, H / stride, W / stride] of each stage in `out_indices`, the finest first."""
        x = self.stem(image)
        features = []
        for index, stage in enumerate(self.stages):
            x = stage(x)
            if index in self.out_indices:
                features.append(x)
        return features


def check_out_indices(name, out_indices, num_stages):
    """Refuses stages that a backbone does not have; returns them as a sorted tuple of ints."""
    indices = tuple(out_indices)
    if not indices or list(indices) != sorted(set(indices)) or indices[0] < 0 or indices[-1] >= num_stages:
        raise ValueError(f"{name} has stages 0 to {num_stages - 1}; out_indices must rise within them, got {indices}")
    return indices


def image_channels(backbone):
    """The number of channels of a backbone's images: those of its first convolution, or 3 where it has none."""
    return next((part._in_channels for part in backbone.sublayers() if isinstance(part, nn.Conv2D)), 3)
