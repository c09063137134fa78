"""Pix2Pix (https://arxiv.org/abs/1611.07004) from label maps to photographs.

Shapes in this file:
    N photographs of D channels and H x W pixels from -1 to 1; label maps [N, H, W] of class ids, C labels.
"""

from common.errors import ConfigError

from ..blocks.label_planes import LabelMapPlanes
from .image_translator import ImageTranslator


class LabelTranslator(ImageTranslator):
    """The generator sees a plane for each label; the data are those of segmentation, an image and its mask.

    Args:
        planes (Layer): LabelMapPlanes.
        generator (Layer): planes [N, C, H, W] to images.
        discriminator (Layer): planes and images, joined along the channels, to logits.
        loss (Layer): GANLoss.
        l1_weight (float): of the distance to the photograph, a mean over all pixels.
    """

    def __init__(self, planes, generator, discriminator, loss, l1_weight=100.0):
        super().__init__(generator, discriminator, loss, l1_weight)
        self.planes = planes
        self.inputs = {"mask": ([None, None, None], "uint8")}

    @classmethod
    def from_config(cls, generator, discriminator, loss, num_classes, l1_weight=100.0, edges=False, *, build):
        """Builds the parts, each with its channels; a further label holds what is ignored (255).

        Args:
            generator (node): UNetGenerator or ResNetGenerator.
            discriminator (node): PatchDiscriminator.
            loss (node): GANLoss.
            num_classes (int): of the data; C is one more.
            l1_weight (float): of the distance to the photograph.
            edges (bool): a further plane marks edges between labels.
        """
        planes = LabelMapPlanes(num_classes + 1, edges)
        generator = build(generator, in_channels=planes.out_channels, out_channels=3)
        discriminator = build(discriminator, in_channels=planes.out_channels + 3)
        return cls(planes, generator, discriminator, build(loss), l1_weight)

    def predict(self, mask):
        """Images float32 [N, 3, H, W] from -1 to 1."""
        return self.generator(self.planes(mask))

    def forward(self, mask):
        """Images float32 [N, 3, H, W] from -1 to 1, of label maps uint8 [N, H, W]."""
        return self.generator(self.planes(mask))

    def source_of(self, batch):
        """The planes of the label maps, and the photographs.

        Raises:
            ConfigError: the images have no masks.
        """
        if "mask" not in batch:
            raise ConfigError("the images have no masks, which photographs are generated from")
        return self.planes(batch["mask"]), batch["image"]

    def sheet(self, batch):
        """Label map in gray levels, generated image and photograph of each sample (list of Tensors [N, D, H, W])."""
        source, target = self.source_of(batch)
        gray = source.argmax(axis=1, keepdim=True).astype("float32") * (2.0 / (source.shape[1] - 1)) - 1.0
        return [gray, self.generator(source), target]
