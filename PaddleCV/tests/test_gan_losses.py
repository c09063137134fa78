"""Adversarial losses and the gradient penalty, by numbers worked out by hand; counts of the original networks."""

import numpy as np
import paddle
import pytest

from common.testing import count_parameters
from PaddleCV.models.blocks.label_planes import LabelMapPlanes, edges_of
from PaddleCV.models.discriminators.attribute_discriminators import AttGANDiscriminator, StarGANDiscriminator
from PaddleCV.models.discriminators.cgan_discriminator import CGANDiscriminator
from PaddleCV.models.discriminators.dcgan_discriminator import DCGANDiscriminator
from PaddleCV.models.discriminators.patch_discriminator import PatchDiscriminator
from PaddleCV.models.gans.image_pool import ImagePool
from PaddleCV.models.generators.attgan_generator import AttGANGenerator
from PaddleCV.models.generators.cgan_generator import CGANGenerator
from PaddleCV.models.generators.dcgan_generator import DCGANGenerator
from PaddleCV.models.generators.resnet_generator import ResNetGenerator
from PaddleCV.models.generators.stargan_generator import StarGANGenerator
from PaddleCV.models.generators.stgan_generator import STGANGenerator
from PaddleCV.models.generators.unet_generator import UNetGenerator
from PaddleCV.models.losses.gan_losses import GANLoss, gradient_penalty

ORIGINALS = [  # trained numbers, numbers of running statistics
    (lambda: CGANGenerator(10), 6820608, 14848),
    (lambda: CGANDiscriminator(10), 2403138, 2176),
    (lambda: DCGANGenerator(), 13487745, 16640),
    (lambda: DCGANDiscriminator(), 2308097, 2304),
    (lambda: UNetGenerator(), 54413952, 9856),
    (lambda: PatchDiscriminator(6), 2768705, 1792),
    (lambda: ResNetGenerator(), 2853187, 5248),
    (lambda: PatchDiscriminator(3), 2765633, 1792),
    (lambda: StarGANGenerator(5), 8430528, 0),
    (lambda: StarGANDiscriminator(5), 44758016, 0),
    (lambda: AttGANGenerator(13), 43459203, 7808),
    (lambda: AttGANDiscriminator(13), 44718990, 0),
    (lambda: STGANGenerator(13), 74998771, 7808),
]


def test_the_networks_have_the_counts_of_the_originals():
    with paddle.LazyGuard():
        for make, trained, statistics in ORIGINALS:
            assert count_parameters(make()) == (trained, statistics)


@pytest.mark.parametrize(
    ("kind", "real", "fake", "generator"),
    [  # of the logits 0 and 2
        ("vanilla", (np.log(2) + np.log1p(np.exp(-2))) / 2, (np.log(2) + 2 + np.log1p(np.exp(-2))) / 2, None),
        ("least_squares", (1 + 1) / 2, (0 + 4) / 2, None),
        ("hinge", (1 + 0) / 2, (1 + 3) / 2, -1.0),
        ("wasserstein", -1.0, 1.0, None),
    ],
)
def test_an_adversarial_loss_is_its_formula(kind, real, fake, generator):
    logits, loss = paddle.to_tensor([0.0, 2.0]), GANLoss(kind)
    assert loss(logits, True).item() == pytest.approx(real)
    assert loss(logits, False).item() == pytest.approx(fake)
    assert loss.generator(logits).item() == pytest.approx(real if generator is None else generator)


def test_an_unknown_loss_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="no kind 'wgan'; it knows vanilla, least_squares, hinge, wasserstein"):
        GANLoss("wgan")


def test_the_penalty_of_a_linear_critic_is_that_of_its_slope_and_has_a_gradient():
    weight = paddle.to_tensor(np.full((1, 1, 2, 2), 1.5, "float32"), stop_gradient=False)
    images = paddle.rand([3, 1, 2, 2])
    penalty = gradient_penalty(lambda image: (image * weight).sum(axis=[1, 2, 3]), images, images + 1)
    assert penalty.item() == pytest.approx((3 - 1) ** 2, rel=1e-5)  # |slope| = sqrt(4 * 1.5^2) = 3
    penalty.backward()  # d (|w| - 1)^2 / dw = 2 (|w| - 1) w / |w| = 2 * 2 * 1.5 / 3
    np.testing.assert_allclose(weight.grad.numpy(), 2.0, rtol=1e-5)


def test_a_label_map_becomes_planes_and_edges():
    ids = paddle.to_tensor(np.array([[[0, 0, 1], [0, 0, 255], [0, 0, 0]]], "uint8"))
    planes = LabelMapPlanes(3, edges=True)(ids).numpy()[0]
    assert planes[:3].sum(axis=0).tolist() == [[1] * 3] * 3
    assert planes[1].tolist() == [[0, 0, 1], [0, 0, 0], [0, 0, 0]] and planes[2, 1, 2] == 1
    assert planes[3].tolist() == [[0, 1, 1], [0, 1, 1], [0, 0, 1]]
    assert edges_of(paddle.zeros([1, 2, 2], "int64")).sum().item() == 0


def test_a_pool_gives_what_it_is_given_until_it_is_full_and_then_exchanges():
    paddle.seed(3)
    pool = ImagePool(2)
    first = paddle.to_tensor(np.arange(2, dtype="float32").reshape(2, 1, 1, 1))
    np.testing.assert_array_equal(pool.exchange(first).numpy(), first.numpy())
    twin, random = ImagePool(2), paddle.get_rng_state()
    twin.load(pool.state())
    given = np.arange(10, 30, dtype="float32").reshape(20, 1, 1, 1)
    seen = pool.exchange(paddle.to_tensor(given)).numpy().ravel()
    held = set(pool.images.ravel().tolist())
    assert set(seen.tolist()) | held == {0.0, 1.0, *given.ravel().tolist()} and len(held) == 2
    assert (seen != given.ravel()).any() and (seen == given.ravel()).any()
    paddle.set_rng_state(random)
    np.testing.assert_array_equal(twin.exchange(paddle.to_tensor(given)).numpy().ravel(), seen)
    assert ImagePool(0).exchange(first).numpy().tolist() == first.numpy().tolist()
