"""The rows of `segmentation.py` that run in torch, with the layers of ours; started by it, prints one line of JSON."""

import argparse
import itertools
import json
import os

import measure
import segmentation
import torch
import torchvision
from torch import nn
from torch.nn import functional as F


def main():
    """Measures one row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--what", choices=("step", "inference"), required=True)
    parser.add_argument("--model", choices=segmentation.MODELS, required=True)
    for name in ("size", "batch", "steps", "repeat"):
        parser.add_argument(f"--{name}", type=int, required=True)
    args = parser.parse_args()
    torch.set_num_threads(int(os.environ["KIT_THREADS"]))
    torch.manual_seed(0)
    model = {"unet": UNet, "deeplabv3p_mobilenet_v2": DeepLab}[args.model]()
    print(json.dumps(step(model.train(), args) if args.what == "step" else inference(model.eval(), args)))


def step(model, args):
    """Wall and CPU seconds of each training step."""
    optimizer = torch.optim.SGD(model.parameters(), 1e-4, momentum=0.9, weight_decay=1e-4)
    image, mask = (torch.tensor(array) for array in segmentation.batch(args.batch, args.size))
    watch = measure.Stopwatch()
    for number in range(args.steps + 2):
        if number == 2:
            watch = measure.Stopwatch()
        total = F.cross_entropy(enlarged(model(image), image), mask.long())
        total.backward()
        optimizer.step()
        optimizer.zero_grad()
        total.item()
        watch.lap()
    return {"wall": watch.wall, "cpu": watch.cpu, "parameters": sum(part.numel() for part in model.parameters())}


def inference(model, args):
    """Wall and CPU seconds of each image."""
    image = torch.tensor(segmentation.batch(1, args.size)[0])
    watch = measure.Stopwatch()
    with torch.inference_mode():
        for number in range(args.repeat + 3):
            if number == 3:
                watch = measure.Stopwatch()
            enlarged(model(image), image).argmax(1)
            watch.lap()
    return {"wall": watch.wall, "cpu": watch.cpu}


def enlarged(x, like):
    """Bilinear interpolation to the height and width of another tensor."""
    return F.interpolate(x, size=like.shape[2:], mode="bilinear", align_corners=True)


def conv(inputs, outputs, kernel_size=3, dilation=1, groups=1):
    """Convolution, batch normalization, ReLU."""
    padding = dilation * (kernel_size // 2)
    layer = nn.Conv2d(inputs, outputs, kernel_size, 1, padding, dilation, groups, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def separable(inputs, outputs, dilation=1):
    """A depthwise 3x3 convolution, then a 1x1 one."""
    return nn.Sequential(conv(inputs, inputs, 3, dilation, inputs), conv(inputs, outputs, 1))


class UNet(nn.Module):
    """U-Net with bilinear enlargement and 512 channels at the bottom."""

    def __init__(self):
        super().__init__()
        widths = (3, 64, 128, 256, 512, 512)
        pairs = itertools.pairwise(widths)
        self.down = nn.ModuleList(nn.Sequential(conv(a, b), conv(b, b)) for a, b in pairs)
        steps = ((1024, 256), (512, 128), (256, 64), (128, 64))
        self.up = nn.ModuleList(nn.Sequential(conv(a, b), conv(b, b)) for a, b in steps)
        self.classifier = nn.Conv2d(64, segmentation.CLASSES, 3, padding=1)

    def forward(self, x):
        """Logits of each pixel."""
        features = []
        for number, part in enumerate(self.down):
            x = part(F.max_pool2d(x, 2) if number else x)
            features.append(x)
        for part, finer in zip(self.up, features[-2::-1]):
            x = part(torch.cat([enlarged(x, finer), finer], 1))
        return self.classifier(x)


class DeepLab(nn.Module):
    """DeepLabV3+ with MobileNetV2, output stride 16."""

    def __init__(self):
        super().__init__()
        self.features = torchvision.models.mobilenet_v2().features[:18]
        for block in self.features[14:]:
            for layer in block.modules():
                if isinstance(layer, nn.Conv2d) and layer.kernel_size == (3, 3):
                    dilation = 1 if layer.stride == (2, 2) else 2
                    layer.stride, layer.dilation, layer.padding = (1, 1), (dilation,) * 2, (dilation,) * 2
        self.mean, self.point = conv(320, 256, 1), conv(320, 256, 1)
        self.pyramid = nn.ModuleList(separable(320, 256, rate) for rate in (6, 12, 18))
        self.joined, self.fine = conv(1280, 256, 1), conv(24, 48, 1)
        self.decoder = nn.Sequential(separable(304, 256), separable(256, 256))
        self.classifier = nn.Conv2d(256, segmentation.CLASSES, 1)

    def forward(self, x):
        """Logits of each cell of stride 4."""
        fine = self.features[:4](x)
        x = self.features[4:](fine)
        mean = enlarged(self.mean(F.adaptive_avg_pool2d(x, 1)), x)
        x = self.joined(torch.cat([mean, self.point(x), *(part(x) for part in self.pyramid)], 1))
        fine = self.fine(fine)
        return self.classifier(self.decoder(torch.cat([enlarged(F.dropout(x, 0.1, self.training), fine), fine], 1)))


if __name__ == "__main__":
    main()
