"""StarGAN (arXiv:1711.09020), AttGAN (arXiv:1711.10678) and STGAN (arXiv:1904.09709): attributes of images changed.

Shapes in this file:
    N images of 3 channels and S x S pixels from -1 to 1, C attributes.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from ..losses.gan_losses import gradient_penalty

KEEP = -1  # in a target: the attribute stays as the discriminator sees it


class AttributeEditor(nn.Layer):
    """A generator that takes attributes, and a discriminator that predicts them: WGAN-GP, attributes, reconstruction.

    Args:
        generator (Layer): images, their attributes and those wanted, [N, C] of 0 and 1, to images.
        discriminator (Layer): images to logits of being real and of attributes.
        image_size (int): S.
        num_classes (int): C.
        penalty_weight (float): of the gradient penalty.
        class_weight (float): of the attributes of generated images; those of real ones count once.
        reconstruction_weight (float): of the distance to the reconstructed image.
        cycle (bool): an image is reconstructed of its edited version, as StarGAN does; otherwise of itself.
        total (bool): the loss of attributes is summed over them, as StarGAN's; otherwise a mean.
    """

    task = "AttributeEditing"
    outputs = ("edited", "attributes")
    phases = ("discriminator", "generator")
    higher_gradients = True

    def __init__(
        self,
        generator,
        discriminator,
        image_size,
        num_classes,
        penalty_weight=10.0,
        class_weight=1.0,
        reconstruction_weight=10.0,
        cycle=True,
        total=True,
    ):
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.penalty_weight, self.class_weight = penalty_weight, class_weight
        self.reconstruction_weight, self.cycle, self.total = reconstruction_weight, cycle, total
        self.inputs = {
            "image": ([None, 3, image_size, image_size], "float32"),
            "target": ([None, num_classes], "float32"),
        }

    @classmethod
    def from_config(
        cls,
        generator,
        discriminator,
        num_classes,
        image_size=128,
        penalty_weight=10.0,
        class_weight=1.0,
        reconstruction_weight=10.0,
        cycle=True,
        total=True,
        *,
        build,
    ):
        """Builds the parts with the number of attributes; the other arguments are those of the class.

        Args:
            generator (node): StarGANGenerator, AttGANGenerator or STGANGenerator.
            discriminator (node): StarGANDiscriminator or AttGANDiscriminator.
            num_classes (int): C.
            image_size (int): S.
            penalty_weight (float): of the gradient penalty.
            class_weight (float): of the attributes of generated images.
            reconstruction_weight (float): of the distance to the reconstructed image.
            cycle (bool): an image is reconstructed of its edited version, otherwise of itself.
            total (bool): the loss of attributes is summed over them, otherwise a mean.
        """
        generator = build(generator, num_classes=num_classes)
        discriminator = build(discriminator, num_classes=num_classes, image_size=image_size)
        weights = (penalty_weight, class_weight, reconstruction_weight)
        return cls(generator, discriminator, image_size, num_classes, *weights, cycle, total)

    def predict(self, image, target):
        """(edited images [N, 3, S, S], probabilities of the attributes of the given ones [N, C])."""
        probabilities = F.sigmoid(self.discriminator(image)[1])
        source = (probabilities > 0.5).astype("float32")
        wanted = paddle.where(target < 0, source, target)
        return self.generator(image, source, wanted), probabilities

    def forward(self, image, target):
        """The edited images, and what the discriminator sees in the given ones.

        Args:
            image (Tensor): float32 [N, 3, S, S] from -1 to 1.
            target (Tensor): float32 [N, C]: 1 and 0 for attributes that the result has or lacks, -1 for as it is.

        Returns:
            tuple[Tensor, Tensor]: images float32 [N, 3, S, S] from -1 to 1, probabilities float32 [N, C].
        """
        return self.predict(image, target)

    def attribute_loss(self, logits, attributes):
        """Binary cross entropy of attributes [N, C], summed over them or a mean, a mean over the images."""
        terms = F.softplus(logits) - logits * attributes
        return terms.sum(axis=1).mean() if self.total else terms.mean()

    def loss(self, batch, phase=None):
        """The losses of a phase; of both without one. Images get the attributes of other images of their batch.

        Args:
            batch (dict): image float32 [N, 3, S, S], label float32 [N, C] of 0 and 1.
            phase (str | None): discriminator or generator.

        Returns:
            dict[str, Tensor]: `loss_critic`, `loss_penalty`, `loss_attributes`; `loss_generator`,
                `loss_edited_attributes`, `loss_reconstruction`.
        """
        image, source, found = batch["image"], batch["label"], {}
        target = source[paddle.randperm(source.shape[0])]
        edited = self.generator(image, source, target)
        if phase != "generator":
            logits, attributes = self.discriminator(image)
            fake = edited.detach()
            found["loss_critic"] = self.discriminator(fake)[0].mean() - logits.mean()
            penalty = gradient_penalty(lambda mixed: self.discriminator(mixed)[0], image, fake)
            found["loss_penalty"] = self.penalty_weight * penalty
            found["loss_attributes"] = self.attribute_loss(attributes, source)
        if phase != "discriminator":
            logits, attributes = self.discriminator(edited)
            found["loss_generator"] = -logits.mean()
            found["loss_edited_attributes"] = self.class_weight * self.attribute_loss(attributes, target)
            given, seen = (edited, target) if self.cycle else (image, source)
            distance = (self.generator(given, seen, source) - image).abs().mean()
            found["loss_reconstruction"] = self.reconstruction_weight * distance
        return found

    def sheet(self, batch):
        """The image, its reconstruction, and it with each attribute changed (list of Tensors [N, 3, S, S])."""
        image, source = batch["image"], batch["label"]
        rows = [image, self.generator(image, source, source)]
        for number in range(source.shape[1]):
            change = F.one_hot(paddle.to_tensor([number]), source.shape[1]).astype("float32")
            rows.append(self.generator(image, source, source + change * (1 - 2 * source)))
        return rows
