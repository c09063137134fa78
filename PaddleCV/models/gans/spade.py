"""SPADE (https://arxiv.org/abs/1903.07291): photographs of label maps.

Shapes in this file:
    N photographs of 3 channels and H x W pixels from -1 to 1; label maps [N, H, W]; C planes of a label map.
"""

import paddle

from .label_translator import LabelTranslator


class Spade(LabelTranslator):
    """A generator modulated by the label map, and discriminators at two scales whose features are compared too.

    The distance of features of a pretrained VGG19, which the paper adds, is left out: its weights are not published
    with this definition.

    Args:
        planes (Layer): LabelMapPlanes.
        generator (Layer): SpadeGenerator.
        discriminator (Layer): MultiScaleDiscriminator, of planes and images joined along the channels.
        loss (Layer): GANLoss.
        feature_weight (float): of the distance of the discriminator's features to those of the photograph.
    """

    def __init__(self, planes, generator, discriminator, loss, feature_weight=10.0):
        super().__init__(planes, generator, discriminator, loss)
        self.feature_weight = feature_weight

    @classmethod
    def from_config(cls, generator, discriminator, loss, num_classes, feature_weight=10.0, edges=True, *, build):
        """Builds the parts, each with its channels; a further label holds what is ignored (255).

        Args:
            generator (node): SpadeGenerator.
            discriminator (node): MultiScaleDiscriminator.
            loss (node): GANLoss.
            num_classes (int): of the data; there is one label more.
            feature_weight (float): of the distance of the discriminator's features.
            edges (bool): a further plane marks edges between labels.
        """
        return super().from_config(generator, discriminator, loss, num_classes, feature_weight, edges, build=build)

    def loss(self, batch, phase=None):
        """The losses of a phase; of both without one.

        Args:
            batch (dict): image float32 [N, 3, H, W], mask uint8 [N, H, W].
            phase (str | None): discriminator or generator.

        Returns:
            dict[str, Tensor]: `loss_real` and `loss_fake`; `loss_gan`, `loss_features`; means over the scales.
        """
        planes, image = self.source_of(batch)
        fake, found = self.generator(planes), {}
        real = self.discriminator(paddle.concat([planes, image], axis=1))
        if phase != "generator":
            seen = self.discriminator(paddle.concat([planes, fake.detach()], axis=1))
            found["loss_real"] = sum(self.loss_terms(scale[-1], True) for scale in real) / len(real)
            found["loss_fake"] = sum(self.loss_terms(scale[-1], False) for scale in seen) / len(seen)
        if phase != "discriminator":
            seen = self.discriminator(paddle.concat([planes, fake], axis=1))
            found["loss_gan"] = sum(self.loss_terms.generator(scale[-1]) for scale in seen) / len(seen)
            apart = [
                (ours - theirs.detach()).abs().mean()
                for scale, other in zip(seen, real)
                for ours, theirs in zip(scale[:-1], other[:-1])
            ]
            found["loss_features"] = self.feature_weight * sum(apart) / len(real)
        return found
