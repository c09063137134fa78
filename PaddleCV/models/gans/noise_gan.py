"""GANs that make images of noise, without a class (DCGAN, arXiv:1511.06434) or with one (CGAN, arXiv:1411.1784).

Shapes in this file:
    N images of D channels and H x W pixels from -1 to 1, Z numbers of noise, C classes.
"""

from paddle import nn


class NoiseGAN(nn.Layer):
    """A generator of noise and a discriminator, which learn in turns.

    The discriminator sees real and generated images in separate batches, each normalized by its own statistics.

    Args:
        generator (Layer): noise [N, Z] to images [N, D, H, W].
        discriminator (Layer): images to logits.
        loss (Layer): GANLoss.
    """

    task = "ImageFromNoise"
    outputs = ("image",)
    phases = ("discriminator", "generator")
    training_only = ("discriminator",)

    def __init__(self, generator, discriminator, loss):
        super().__init__()
        self.generator, self.discriminator, self.loss_terms = generator, discriminator, loss
        self.inputs = {"noise": ([None, generator.noise_size], "float32")}

    @classmethod
    def from_config(cls, generator, discriminator, loss, num_classes=None, *, build):
        """Builds the parts; the discriminator is given the size and the channels of the generator's images.

        Args:
            generator (node): DCGANGenerator, or CGANGenerator of a ClassGAN.
            discriminator (node): DCGANDiscriminator, or CGANDiscriminator of a ClassGAN.
            loss (node): GANLoss.
            num_classes (int | None): C, of a ClassGAN.
        """
        generator = build(generator, num_classes=num_classes)
        shape = {"image_size": generator.image_size, "image_channels": generator.out_channels}
        return cls(generator, build(discriminator, num_classes=num_classes, **shape), build(loss))

    def conditions(self, batch):
        """The arguments that follow the noise or the image (tuple): none."""
        return ()

    def predict(self, noise):
        """Images float32 [N, D, H, W] from -1 to 1."""
        return self.generator(noise)

    def forward(self, noise):
        """Images float32 [N, D, H, W] from -1 to 1, of noise float32 [N, Z], which is uniform from -1 to 1."""
        return self.generator(noise)

    def loss(self, batch, phase=None):
        """The losses of a phase; of both without one.

        Args:
            batch (dict): image [N, D, H, W], noise [N, Z], and label int64 [N] of a ClassGAN.
            phase (str | None): discriminator or generator.

        Returns:
            dict[str, Tensor]: `loss_real` and `loss_fake`, and `loss_generator`.
        """
        given, found = self.conditions(batch), {}
        fake = self.generator(batch["noise"], *given)
        if phase != "generator":
            found["loss_real"] = self.loss_terms(self.discriminator(batch["image"], *given), True)
            found["loss_fake"] = self.loss_terms(self.discriminator(fake.detach(), *given), False)
        if phase != "discriminator":
            found["loss_generator"] = self.loss_terms.generator(self.discriminator(fake, *given))
        return found

    def sheet(self, batch):
        """Images of each sample beside one another: here the generated one (list of Tensors [N, D, H, W])."""
        return [self.generator(batch["noise"], *self.conditions(batch))]
