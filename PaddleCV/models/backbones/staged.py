"""What backbones have in common: a stem, stages after it, and the choice of those whose features go out.

Shapes in this file:
    N images of H x W pixels.
"""

from paddle import nn

from .stages import freeze_first, stage_features


class StagedBackbone(nn.Layer):
    """A network of `stem` and `stages` that answers the features of some of its stages.

    A backbone builds both and then calls `finish`.
    """

    def finish(self, out_indices, channels, strides, freeze_stages):
        """Publishes what goes out, and freezes what is not trained.

        Args:
            out_indices (tuple[int, ...]): the stages whose outputs are returned.
            channels (list[int]): of the output of each stage.
            strides (list[int]): pixels of the picture to one of each stage's output.
            freeze_stages (int): the stem and this many stages are not trained; 0 trains all.
        """
        self.out_indices = out_indices
        self.out_channels = [channels[index] for index in out_indices]
        self.strides = [strides[index] for index in out_indices]
        freeze_first(self.stem, self.stages, freeze_stages)

    def forward(self, image):
        """Features [N, out_channels, H / stride, W / stride] of each stage in `out_indices`, the finest first."""
        return stage_features(self.stem(image), self.stages, self.out_indices)
