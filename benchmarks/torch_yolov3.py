"""YOLOv3 in torch with the layer shapes of `PaddleCV/models`, for the comparison in `training_step.py`.

Shapes in this file:
    N images, M objects an image, A = 3 anchors per level, C classes, H x W cells of one level, P = all A*H*W.
Boxes are (x1, y1, x2, y2) in pixels. Levels run from the coarsest to the finest.
"""

import torch
from torch import nn
from torch.nn import functional as F

ANCHORS = ((116, 90), (156, 198), (373, 326)), ((30, 61), (62, 45), (59, 119)), ((10, 13), (16, 30), (33, 23))
STRIDES = 32, 16, 8
ACTIVATIONS = {
    "relu": lambda: nn.ReLU(inplace=True),
    "leaky_relu": lambda: nn.LeakyReLU(0.1, inplace=True),
    "hard_swish": lambda: nn.Hardswish(inplace=True),
    "none": nn.Identity,
}
# kernel size, expanded channels, channels that go out, squeeze and excitation, activation, stride
LARGE = (
    (3, 16, 16, False, "relu", 1),
    (3, 64, 24, False, "relu", 2),
    (3, 72, 24, False, "relu", 1),
    (5, 72, 40, True, "relu", 2),
    (5, 120, 40, True, "relu", 1),
    (5, 120, 40, True, "relu", 1),
    (3, 240, 80, False, "hard_swish", 2),
    (3, 200, 80, False, "hard_swish", 1),
    (3, 184, 80, False, "hard_swish", 1),
    (3, 184, 80, False, "hard_swish", 1),
    (3, 480, 112, True, "hard_swish", 1),
    (3, 672, 112, True, "hard_swish", 1),
    (5, 672, 160, True, "hard_swish", 2),
    (5, 960, 160, True, "hard_swish", 1),
    (5, 960, 160, True, "hard_swish", 1),
)


def conv(in_channels, out_channels, kernel_size=3, stride=1, groups=1, activation="leaky_relu"):
    """Convolution without bias, batch normalization, activation."""
    layer = nn.Conv2d(in_channels, out_channels, kernel_size, stride, kernel_size // 2, groups=groups, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(out_channels), ACTIVATIONS[activation]())


class Shortcut(nn.Sequential):
    """The sum of what comes in and what the layers make of it."""

    def forward(self, x):
        return x + super().forward(x)


class SqueezeExcitation(nn.Module):
    """Scales each channel by a weight computed from all channels' means."""

    def __init__(self, channels):
        super().__init__()
        self.reduce = nn.Conv2d(channels, channels // 4, 1)
        self.expand = nn.Conv2d(channels // 4, channels, 1)

    def forward(self, x):
        return x * F.hardsigmoid(self.expand(F.relu(self.reduce(F.adaptive_avg_pool2d(x, 1)))))


class DarkNet53(nn.Module):
    """The last three of five stages, the finest first."""

    out_channels = (256, 512, 1024)

    def __init__(self):
        super().__init__()
        self.stem = conv(3, 32)
        self.stages = nn.ModuleList()
        channels = 32
        for blocks in (1, 2, 8, 8, 4):
            layers = [conv(channels, 2 * channels, stride=2)]
            layers += [Shortcut(conv(2 * channels, channels, 1), conv(channels, 2 * channels)) for _ in range(blocks)]
            self.stages.append(nn.Sequential(*layers))
            channels *= 2

    def forward(self, x):
        x = self.stem(x)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features[2:]


class MobileNetV3(DarkNet53):
    """The large one, up to its last inverted residual block."""

    out_channels = (40, 112, 160)

    def __init__(self):
        nn.Module.__init__(self)
        self.stem = conv(3, 16, stride=2, activation="hard_swish")
        stages, channels = [[]], 16
        for kernel_size, expanded, out_channels, excite, activation, stride in LARGE:
            layers = [conv(channels, expanded, 1, activation=activation)] if expanded != channels else []
            layers.append(conv(expanded, expanded, kernel_size, stride, expanded, activation))
            layers += [SqueezeExcitation(expanded)] if excite else []
            layers.append(conv(expanded, out_channels, 1, activation="none"))
            if stride == 2:
                stages.append([])
            stages[-1].append((Shortcut if stride == 1 and channels == out_channels else nn.Sequential)(*layers))
            channels = out_channels
        self.stages = nn.ModuleList(nn.Sequential(*blocks) for blocks in stages)


class YOLOv3(nn.Module):
    """Backbone, feature pyramid, head and loss."""

    def __init__(self, backbone, num_classes):
        super().__init__()
        self.backbone, self.num_classes = backbone, num_classes
        self.routes, self.tips, self.transitions, self.outputs = (nn.ModuleList() for _ in range(4))
        carried = 0
        for level, received in enumerate(reversed(backbone.out_channels)):
            width, first = 512 // 2**level, received + carried
            layers = [conv(first, width, 1), conv(width, 2 * width), conv(2 * width, width, 1)]
            layers += [conv(width, 2 * width), conv(2 * width, width, 1)]
            self.routes.append(nn.Sequential(*layers))
            self.tips.append(conv(width, 2 * width))
            self.outputs.append(nn.Conv2d(2 * width, 3 * (5 + num_classes), 1))
            if level < 2:
                carried = width // 2
                self.transitions.append(conv(width, carried, 1))

    def forward(self, image):
        """Raw predictions of each level, [N, A, 5 + C, H, W]."""
        predictions, carried = [], None
        for level, feature in enumerate(reversed(self.backbone(image))):
            if carried is not None:
                feature = torch.cat([carried, feature], 1)
            route = self.routes[level](feature)
            raw = self.outputs[level](self.tips[level](route))
            predictions.append(raw.reshape(len(raw), 3, 5 + self.num_classes, *raw.shape[2:]))
            if level < 2:
                carried = F.interpolate(self.transitions[level](route), scale_factor=2.0, mode="nearest")
        return predictions

    def loss(self, image, boxes, labels):
        """The sum of the terms of `PaddleCV/models/losses/yolov3_loss.py`, for objects all of which are real."""
        predictions = self(image)
        sizes = boxes[..., 2:] - boxes[..., :2]  # [N, M, 2]
        anchors = torch.tensor(ANCHORS, dtype=torch.float32).reshape(-1, 2)  # [L*A, 2]
        with torch.no_grad():
            common = torch.minimum(sizes.unsqueeze(2), anchors).prod(-1)
            best = (common / (sizes.prod(-1, keepdim=True) + anchors.prod(-1) - common)).argmax(-1)  # [N, M]
            weight = 2 - sizes.prod(-1) / (image.shape[2] * image.shape[3])
        total = 0.0
        for level, prediction in enumerate(predictions):
            total = total + self.level_loss(level, prediction, boxes, labels, best, weight)
        return total / len(image)

    def level_loss(self, level, prediction, boxes, labels, best, weight):
        """The sum over one level."""
        count, _, _, height, width = prediction.shape
        stride, anchors = STRIDES[level], torch.tensor(ANCHORS[level], dtype=torch.float32)
        with torch.no_grad():
            ignored = (pairwise_iou(decode(prediction, anchors, stride), boxes).max(-1).values > 0.7).float()
            mine = ((best >= 3 * level) & (best < 3 * level + 3)).float()
            anchor = (best - 3 * level) * mine.long()
            centers = (boxes[..., :2] + boxes[..., 2:]) / (2 * stride)
            cells = centers.floor()
            image = torch.arange(count).unsqueeze(1).expand_as(anchor)
            column, row = cells[..., 0].long(), cells[..., 1].long()
            positive = torch.zeros(count, 3, height, width)
            positive[image, anchor, row, column] = torch.maximum(positive[image, anchor, row, column], mine)
            logs = torch.log((boxes[..., 2:] - boxes[..., :2]) / anchors[anchor])
        rows = prediction[image, anchor, :, row, column]  # [N, M, 5 + C]
        xy = F.binary_cross_entropy_with_logits(rows[..., :2], centers - cells, reduction="none").sum(-1)
        wh = (rows[..., 2:4] - logs).abs().sum(-1)
        classes = F.one_hot(labels, self.num_classes).float()
        classes = F.binary_cross_entropy_with_logits(rows[..., 5:], classes, reduction="none").sum(-1)
        entropy = F.binary_cross_entropy_with_logits(prediction[:, :, 4], positive, reduction="none")
        background = 1 - ignored.reshape(positive.shape)
        objectness = (entropy * torch.where(positive > 0, positive, background)).sum()
        return ((xy + wh) * weight * mine + classes * mine).sum() + objectness


def decode(prediction, anchors, stride):
    """The boxes [N, P, 4] of one level."""
    height, width = prediction.shape[3:]
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    cells = torch.stack([columns, rows]).float()  # [2, H, W]
    centers = (prediction[:, :, :2].sigmoid() + cells) * stride
    halves = prediction[:, :, 2:4].clamp(max=10).exp() * anchors[:, :, None, None] * 0.5
    return torch.cat([centers - halves, centers + halves], 2).permute(0, 1, 3, 4, 2).reshape(len(prediction), -1, 4)


def pairwise_iou(first, second):
    """Intersection over union of each of [N, P, 4] with each of [N, M, 4]: [N, P, M]."""
    ax1, ay1, ax2, ay2 = first.unsqueeze(2).unbind(-1)
    bx1, by1, bx2, by2 = second.unsqueeze(1).unbind(-1)
    across, down = torch.minimum(ax2, bx2) - torch.maximum(ax1, bx1), torch.minimum(ay2, by2) - torch.maximum(ay1, by1)
    overlap = across.clamp(min=0) * down.clamp(min=0)
    return overlap / ((ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1) - overlap + 1e-9)
