"""CycleGAN (https://arxiv.org/abs/1703.10593): translation between two kinds of images without pairs.

Shapes in this file:
    N images of 3 channels and H x W pixels from -1 to 1, of kind A (`image`) and of kind B (`image_b`).
"""

from paddle import nn

from .image_pool import ImagePool


class CycleGAN(nn.Layer):
    """Two generators, each undoing the other, and two discriminators.

    Args:
        generators (list[Layer]): from A to B, from B to A.
        discriminators (list[Layer]): of B, of A.
        loss (Layer): GANLoss.
        cycle_weight (float): of the distance to an image that went to the other kind and back.
        identity_weight (float): of the distance to an image of the target's kind, which should stay as it is; relative
            to cycle_weight.
        pool_size (int): earlier images that each discriminator may see.
        direction (str): of predictions, a2b or b2a.
    """

    task = "ImageTranslation"
    outputs = ("translated",)
    phases = ("generator", "discriminator")
    training_only = ("discriminator",)

    def __init__(
        self,
        generators,
        discriminators,
        loss,
        cycle_weight=10.0,
        identity_weight=0.5,
        pool_size=50,
        direction="a2b",
    ):
        super().__init__()
        if direction not in ("a2b", "b2a"):
            raise ValueError(f"CycleGAN has no direction {direction!r}; allowed: a2b, b2a")
        self.generator, self.discriminator = nn.LayerList(generators), nn.LayerList(discriminators)
        self.loss_terms, self.cycle_weight, self.identity_weight = loss, cycle_weight, identity_weight
        self.pools, self.number = [ImagePool(pool_size) for _ in range(2)], int(direction == "b2a")
        self.size_multiple = getattr(generators[0], "size_multiple", 1)
        self.inputs = {"image": ([None, 3, None, None], "float32")}
        self.fakes = None  # of this step, for the discriminators

    @classmethod
    def from_config(
        cls,
        generator,
        discriminator,
        loss,
        cycle_weight=10.0,
        identity_weight=0.5,
        pool_size=50,
        direction="a2b",
        *,
        build,
    ):
        """Builds two generators and two discriminators of the same kinds.

        Args:
            generator (node): ResNetGenerator or UNetGenerator.
            discriminator (node): PatchDiscriminator.
            loss (node): GANLoss.
            cycle_weight (float): of the distance to an image that went to the other kind and back.
            identity_weight (float): of the distance to an image of the target's kind, relative to cycle_weight.
            pool_size (int): earlier images that each discriminator may see.
            direction (str): of predictions, a2b or b2a.
        """
        generators = [build(generator, in_channels=3, out_channels=3) for _ in range(2)]
        discriminators = [build(discriminator, in_channels=3) for _ in range(2)]
        return cls(generators, discriminators, build(loss), cycle_weight, identity_weight, pool_size, direction)

    def predict(self, image):
        """Images of the other kind, float32 [N, 3, H, W] from -1 to 1."""
        return self.generator[self.number](image)

    def forward(self, image):
        """Images of the other kind, float32 [N, 3, H, W] from -1 to 1, of images of one kind."""
        return self.generator[self.number](image)

    def cycle(self, image, number=0):
        """The image in the other kind, and back: two Tensors [N, 3, H, W]; `number` is 0 from A, 1 from B."""
        there = self.generator[number](image)
        return there, self.generator[1 - number](there)

    def loss(self, batch, phase=None):
        """The losses of a phase; of both without one. The discriminators see the images that the generators just made.

        Args:
            batch (dict): image and image_b float32 [N, 3, H, W].
            phase (str | None): generator or discriminator.

        Returns:
            dict[str, Tensor]: `loss_gan_a2b`, `loss_cycle_a`, `loss_identity_b` and those of the other direction;
                `loss_discriminator_b` and `loss_discriminator_a`.
        """
        kinds, found = (batch["image"], batch["image_b"]), {}
        if phase != "discriminator":
            found |= self.generator_losses(kinds)
        if phase != "generator":
            for number, name in enumerate("ba"):
                real = self.loss_terms(self.discriminator[number](kinds[1 - number]), True)
                fake = self.pools[number].exchange(self.fakes[number])
                fake = self.loss_terms(self.discriminator[number](fake), False)
                found[f"loss_discriminator_{name}"] = 0.5 * (real + fake)
            self.fakes = None
        return found

    def generator_losses(self, kinds):
        """The losses of the generators for images of both kinds (dict); keeps what they made."""
        found, fakes = {}, []
        for number, (source, target) in enumerate(("ab", "ba")):
            fake, back = self.cycle(kinds[number], number)
            fakes.append(fake.detach())
            found[f"loss_gan_{source}2{target}"] = self.loss_terms.generator(self.discriminator[number](fake))
            found[f"loss_cycle_{source}"] = self.cycle_weight * (back - kinds[number]).abs().mean()
            if self.identity_weight:
                same = self.generator[number](kinds[1 - number])
                distance = (same - kinds[1 - number]).abs().mean()
                found[f"loss_identity_{target}"] = self.cycle_weight * self.identity_weight * distance
        self.fakes = fakes
        return found

    def sheet(self, batch):
        """A, its B, and back; B, its A, and back (list of Tensors [N, 3, H, W])."""
        rows = []
        for number, key in enumerate(("image", "image_b")):
            rows += [batch[key], *self.cycle(batch[key], number)]
        return rows

    def training_state(self):
        """The images of both pools, by `pool_b/images` and `pool_a/images`."""
        states = {f"pool_{name}": pool.state() for name, pool in zip("ba", self.pools)}
        return {f"{name}/{key}": value for name, state in states.items() for key, value in state.items()}

    def load_training_state(self, arrays):
        """The inverse of :meth:`training_state`."""
        for name, pool in zip("ba", self.pools):
            own = {k.removeprefix(f"pool_{name}/"): v for k, v in arrays.items() if k.startswith(f"pool_{name}/")}
            pool.load(own)
