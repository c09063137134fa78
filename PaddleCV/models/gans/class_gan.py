"""CGAN (https://arxiv.org/abs/1411.1784): images of noise and a class.

Shapes in this file:
    N images of D channels and H x W pixels from -1 to 1, Z numbers of noise.
"""

from .noise_gan import NoiseGAN


class ClassGAN(NoiseGAN):
    """A generator of noise and a class; the discriminator knows the class too.

    Args:
        generator (Layer): noise [N, Z] and class ids [N] to images [N, D, H, W].
        discriminator (Layer): images and class ids to logits.
        loss (Layer): GANLoss.
    """

    def __init__(self, generator, discriminator, loss):
        super().__init__(generator, discriminator, loss)
        self.inputs["label"] = ([None], "int64")

    def conditions(self, batch):
        """The class ids int64 [N] of a batch, in a tuple."""
        return (batch["label"],)

    def predict(self, noise, label):
        """Images float32 [N, D, H, W] from -1 to 1."""
        return self.generator(noise, label)

    def forward(self, noise, label):
        """Images float32 [N, D, H, W] from -1 to 1, of uniform noise float32 [N, Z] and class ids int64 [N]."""
        return self.generator(noise, label)
