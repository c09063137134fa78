"""The rows of `training_step.py` that run in torch; started by it, prints one line of JSON."""

import argparse
import json
import os

import measure
import numpy as np
import torch
import torch_yolov3
import training_step


def main():
    """Measures some steps."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=training_step.MODELS, required=True)
    for name in ("size", "batch", "steps"):
        parser.add_argument(f"--{name}", type=int, required=True)
    args = parser.parse_args()
    if "KIT_THREADS" in os.environ:
        torch.set_num_threads(int(os.environ["KIT_THREADS"]))
    torch.manual_seed(0)
    backbone = {"mobilenet_v3": torch_yolov3.MobileNetV3, "darknet53": torch_yolov3.DarkNet53}[args.model]()
    model = torch_yolov3.YOLOv3(backbone, 80).train()
    optimizer = torch.optim.SGD(model.parameters(), 1e-4, momentum=0.9, weight_decay=5e-4)
    arrays = training_step.batch(np, args.batch, args.size)
    watch = measure.Stopwatch()
    for step in range(args.steps + 2):
        if step == 2:
            watch = measure.Stopwatch()
        total = model.loss(*(torch.tensor(array) for array in arrays))
        total.backward()
        optimizer.step()
        optimizer.zero_grad()
        total.item()
        watch.lap()
    count = sum(parameter.numel() for parameter in model.parameters())
    answer = {"wall": watch.wall, "cpu": watch.cpu, "parameters": count}
    print(json.dumps(answer | {"threads": torch.get_num_threads()}))


if __name__ == "__main__":
    main()
