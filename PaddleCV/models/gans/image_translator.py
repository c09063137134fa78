"""Pix2Pix (https://arxiv.org/abs/1611.07004): from an image, or from a label map, to an image of another kind.

Shapes in this file:
    N images of D channels and H x W pixels from -1 to 1; label maps [N, H, W] of class ids.
"""

import paddle
from paddle import nn

from common.errors import ConfigError


class ImageTranslator(nn.Layer):
    """A generator that sees the source, and a discriminator that sees the source beside the target.

    Args:
        generator (Layer): sources [N, D, H, W] to images.
        discriminator (Layer): sources and images, joined along the channels, to logits.
        loss (Layer): GANLoss.
        l1_weight (float): of the distance to the target, a mean over all pixels.
    """

    task = "ImageTranslation"
    outputs = ("translated",)
    phases = ("discriminator", "generator")
    training_only = ("discriminator",)

    def __init__(self, generator, discriminator, loss, l1_weight=100.0, in_channels=3):
        super().__init__()
        self.generator, self.discriminator, self.loss_terms = generator, discriminator, loss
        self.l1_weight = l1_weight
        self.size_multiple = getattr(generator, "size_multiple", 1)
        self.inputs = {"image": ([None, in_channels, None, None], "float32")}

    @classmethod
    def from_config(cls, generator, discriminator, loss, l1_weight=100.0, in_channels=3, out_channels=3, *, build):
        """Builds the parts, each with its channels.

        Args:
            generator (node): UNetGenerator or ResNetGenerator.
            discriminator (node): PatchDiscriminator.
            loss (node): GANLoss.
            l1_weight (float): of the distance to the target.
            in_channels (int): channels of the source.
            out_channels (int): channels of the target.
        """
        generator = build(generator, in_channels=in_channels, out_channels=out_channels)
        discriminator = build(discriminator, in_channels=in_channels + out_channels)
        return cls(generator, discriminator, build(loss), l1_weight, in_channels)

    def predict(self, image):
        """Images float32 [N, D, H, W] from -1 to 1."""
        return self.generator(image)

    def forward(self, image):
        """Images float32 [N, D, H, W] from -1 to 1, of sources float32 [N, D, H, W]."""
        return self.generator(image)

    def source_of(self, batch):
        """The source [N, D, H, W] and the target [N, D, H, W] of a batch.

        Raises:
            ConfigError: the images have no targets.
        """
        if "target" not in batch:
            raise ConfigError(
                "the images have no `target`, which the generated images are compared with; see ImagePairs"
            )
        return batch["image"], batch["target"]

    def loss(self, batch, phase=None):
        """The losses of a phase; of both without one.

        Args:
            batch (dict): image and target float32 [N, D, H, W].
            phase (str | None): discriminator or generator.

        Returns:
            dict[str, Tensor]: `loss_real` and `loss_fake`, a mean of which the original takes; `loss_gan`, `loss_l1`.
        """
        source, target = self.source_of(batch)
        fake, found = self.generator(source), {}
        if phase != "generator":
            real = self.discriminator(paddle.concat([source, target], axis=1))
            found["loss_real"] = 0.5 * self.loss_terms(real, True)
            logits = self.discriminator(paddle.concat([source, fake.detach()], axis=1))
            found["loss_fake"] = 0.5 * self.loss_terms(logits, False)
        if phase != "discriminator":
            logits = self.discriminator(paddle.concat([source, fake], axis=1))
            found["loss_gan"] = self.loss_terms.generator(logits)
            found["loss_l1"] = self.l1_weight * (fake - target).abs().mean()
        return found

    def sheet(self, batch):
        """Source, generated image and target of each sample (list of Tensors [N, D, H, W])."""
        source, target = self.source_of(batch)
        return [source[:, :3], self.generator(source), target]
