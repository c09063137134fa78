"""The networks of torchvision and timm, run by the Python that has them; started by `torch_parity.py`.

A network has its own random initialisation, random statistics in its normalisations, and the changes that make its
definition ours. Writes `state.pth`, `input.npy` and `output.npy`; prints the changes as the last line, in JSON.
"""

import argparse
import functools
import json
import pathlib
import re

import numpy as np
import timm
import torch
import torchvision
from timm.models.inception_v4 import InceptionA, InceptionB, InceptionC, ReductionA, ReductionB
from torch import nn
from torchvision.models import mobilenetv3
from torchvision.ops.misc import SqueezeExcitation


def main():
    """Runs one network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=NETWORKS)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--size", type=int, required=True)
    args = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    make, *changes = NETWORKS[args.name]
    network = make()
    for change in changes:
        change(network)
    statistics(network)
    network.eval()
    image = torch.randn(1, 3, args.size, args.size)
    with torch.no_grad():
        output = network(image)
    torch.save(network.state_dict(), args.folder / "state.pth")
    np.save(args.folder / "input.npy", image.numpy())
    np.save(args.folder / "output.npy", output.numpy())
    print(json.dumps([change.__doc__.rstrip(".") for change in changes]))


def torchvision_network(name):
    """A function that makes a network of torchvision."""
    return functools.partial(getattr(torchvision.models, name), weights=None)


def timm_network(name):
    """A function that makes a network of timm."""
    return functools.partial(timm.create_model, name, pretrained=False)


def statistics(network):
    """Gives every normalisation random statistics, scales and shifts."""
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.running_mean, 0, 0.1)
            nn.init.uniform_(part.running_var, 0.8, 1.2)
            nn.init.uniform_(part.weight, 0.8, 1.2)
            nn.init.normal_(part.bias, 0, 0.1)


# What makes a definition ours ---------------------------------------------------------------------------------------


def without_biases(network):
    """The biases of its convolutions are 0: ours have none."""
    for part in network.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.zeros_(part.bias)


def padded_and_rounding_down(network):
    """Its first convolution is padded by 1, and its poolings round down."""
    network.features[0].padding = (1, 1)
    for part in network.modules():
        if isinstance(part, nn.MaxPool2d):
            part.ceil_mode = False


def of_small_epsilon(network):
    """The epsilon of its normalisations is 1e-5, not 1e-3."""
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.eps = 1e-5


def of_relu(network):
    """Its activation is ReLU, not a leaky one of slope 0.01."""
    for part in network.modules():
        if isinstance(part, nn.LeakyReLU):
            part.negative_slope = 0.0


def dilated_at_the_end(network):
    """The convolutions of its last block are dilated by 2."""
    for name, part in network.blocks[-1].named_modules():
        if name.endswith("conv_dw"):
            part.dilation, part.padding = (2, 2), (2, 2)


def of_exchanged_kernels(network):
    """Kernels of 1x7 and 7x1 change places in the stem and the long branch of B, 3x1 and 1x3 in C before it splits."""
    for name, part in network.named_modules():
        long = isinstance(part, nn.Conv2d) and part.kernel_size[0] != part.kernel_size[1]
        if long and re.search(r"^features\.(4\.branch1|1[1-7]\.branch2|\d+\.branch2_[12])\.", name):
            part.kernel_size, part.padding = part.kernel_size[::-1], part.padding[::-1]
            part.weight = nn.Parameter(part.weight.detach().transpose(2, 3).contiguous())


def with_pooling_first(network):
    """The channels of a module's pooling come first, not last."""
    sizes = {InceptionA: 96, InceptionB: 128, InceptionC: 256, ReductionA: 384, ReductionB: 1024}
    for part in network.modules():
        if type(part) in sizes:
            part.register_forward_hook(lambda part, given, output: output.roll(sizes[type(part)], 1))


class Gate(nn.Module):
    """The official hard sigmoid, of slope 0.2."""

    def forward(self, x):
        return (0.2 * x + 0.5).clamp(0, 1)


def mobilenet_v3(name, channels):
    """The MobileNetV3 of this name from the parts of torchvision, with the official numbers where they differ."""
    settings, _ = mobilenetv3._mobilenet_v3_conf(name)

    def excitation(expanded, rounded):
        return SqueezeExcitation(expanded, expanded // 4, scale_activation=Gate)

    block = functools.partial(mobilenetv3.InvertedResidual, se_layer=excitation)
    network = mobilenetv3.MobileNetV3(settings, 1280, block=block, norm_layer=nn.BatchNorm2d)
    network.classifier[0] = nn.Linear(channels, 1280, bias=False)
    return network


def official_numbers(network):
    """Excitation by a quarter of the channels, unrounded, with slope 0.2; epsilon 1e-5; 1280 features without bias."""


NETWORKS = {
    "alexnet": (torchvision_network("alexnet"),),
    "vgg19": (torchvision_network("vgg19"), without_biases),
    "resnet18": (torchvision_network("resnet18"),),
    "resnet50": (torchvision_network("resnet50"),),
    "resnet50_vd": (timm_network("resnet50d"),),
    "resnext50_32x4d": (torchvision_network("resnext50_32x4d"),),
    "se_resnext50_32x4d": (timm_network("seresnext50_32x4d"),),
    "mobilenet_v2": (torchvision_network("mobilenet_v2"),),
    "mobilenet_v3_small_x1_0": (lambda: mobilenet_v3("mobilenet_v3_small", 576), official_numbers),
    "mobilenet_v3_large_x1_0": (lambda: mobilenet_v3("mobilenet_v3_large", 960), official_numbers),
    "shufflenet_v2_x1_0": (torchvision_network("shufflenet_v2_x1_0"),),
    "squeezenet1_1": (torchvision_network("squeezenet1_1"), padded_and_rounding_down),
    "densenet161": (torchvision_network("densenet161"),),
    "efficientnet_b0": (timm_network("tf_efficientnet_b0"),),
    "inceptionv4": (timm_network("inception_v4"), of_exchanged_kernels, with_pooling_first, of_small_epsilon),
    "xception71_deeplab": (timm_network("xception71"), dilated_at_the_end),
    "dpn107": (timm_network("dpn107"),),
    "darknet53": (timm_network("darknet53"), of_relu),
}


if __name__ == "__main__":
    main()
