"""The rows of `detection.py` that run in torch; started by it, prints one line of JSON."""

import argparse
import json
import os

import detection
import measure
import torch
import torchvision
from torchvision.models.detection import FasterRCNN, RetinaNet
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.ops import misc
from torchvision.ops.feature_pyramid_network import LastLevelP6P7


def main():
    """Measures one row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--what", choices=("step", "inference", "nms"), required=True)
    parser.add_argument("--model", choices=detection.MODELS)
    for name in ("size", "batch", "steps", "repeat", "images"):
        parser.add_argument(f"--{name}", type=int, required=True)
    args = parser.parse_args()
    torch.set_num_threads(int(os.environ["KIT_THREADS"]))
    torch.manual_seed(0)
    print(json.dumps({"step": step, "inference": inference, "nms": nms}[args.what](args)))


def build(args):
    """The detector: ResNet50 with fixed normalization, whose stem and first stage are not trained, as ours."""
    options = {"weights": None, "norm_layer": misc.FrozenBatchNorm2d, "trainable_layers": 3}
    sides = {"min_size": args.size, "max_size": args.size}
    if args.model == "retinanet":
        extra = {"returned_layers": [2, 3, 4], "extra_blocks": LastLevelP6P7(2048, 256)}
        return RetinaNet(resnet_fpn_backbone(backbone_name="resnet50", **options, **extra), detection.CLASSES, **sides)
    backbone = resnet_fpn_backbone(backbone_name="resnet50", **options)
    return FasterRCNN(backbone, detection.CLASSES + 1, rpn_batch_size_per_image=256, **sides)


def step(args):
    """Wall and CPU seconds of each training step."""
    model = build(args).train()
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(trained, 1e-4, momentum=0.9, weight_decay=1e-4)
    image, boxes, labels = (torch.tensor(array) for array in detection.batch(args.batch, args.size))
    first = 0 if args.model == "retinanet" else 1
    targets = [{"boxes": mine, "labels": named + first} for mine, named in zip(boxes, labels)]
    watch = measure.Stopwatch()
    for number in range(args.steps + 2):
        if number == 2:
            watch = measure.Stopwatch()
        total = sum(model(list(image), targets).values())
        total.backward()
        optimizer.step()
        optimizer.zero_grad()
        total.item()
        watch.lap()
    return {"wall": watch.wall, "cpu": watch.cpu, "parameters": sum(parameter.numel() for parameter in trained)}


def inference(args):
    """Wall and CPU seconds of each image."""
    model = build(args).eval()
    image = torch.tensor(detection.batch(1, args.size)[0][0])
    watch = measure.Stopwatch()
    with torch.inference_mode():
        for number in range(args.repeat + 3):
            if number == 3:
                watch = measure.Stopwatch()
            model([image])
            watch.lap()
    return {"wall": watch.wall, "cpu": watch.cpu}


def nms(args):
    """Wall and CPU seconds of each NMS."""
    boxes, scores = (torch.tensor(array) for array in detection.many_boxes())
    watch, kept = measure.Stopwatch(), 0
    for number in range(args.repeat + 2):
        if number == 2:
            watch = measure.Stopwatch()
        kept = len(torchvision.ops.nms(boxes, scores, 0.5))
        watch.lap()
    return {"wall": watch.wall, "cpu": watch.cpu, "kept": kept}


if __name__ == "__main__":
    main()
