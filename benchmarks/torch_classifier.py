"""The rows of `classification.py` that run in torch; started by it, prints one line of JSON."""

import argparse
import json
import os
import time

import classification
import measure
import timm
import torch
import torchvision
from torch import nn

MODELS = {
    "resnet50": torchvision.models.resnet50,
    "mobilenet_v1": lambda: timm.create_model("mobilenetv1_100", act_layer=nn.ReLU),
    "mobilenet_v3_small_x1_0": torchvision.models.mobilenet_v3_small,
    "efficientnet_b0": lambda: timm.create_model("tf_efficientnet_b0"),
}


def main():
    """Measures one row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--what", choices=("step", "inference"), required=True)
    parser.add_argument("--model", choices=MODELS, required=True)
    for name in ("size", "batch", "steps", "repeat"):
        parser.add_argument(f"--{name}", type=int, required=True)
    args = parser.parse_args()
    torch.set_num_threads(int(os.environ["KIT_THREADS"]))
    torch.manual_seed(0)
    model = MODELS[args.model]()
    print(json.dumps(step(model.train(), args) if args.what == "step" else inference(model.eval(), args)))


def step(model, args):
    """Wall and CPU seconds of each training step, as `classification.step` measures them."""
    optimizer = torch.optim.SGD(model.parameters(), 1e-4, momentum=0.9, weight_decay=1e-4)
    image, label = (torch.tensor(array) for array in classification.batch(args.batch, args.size))
    watch = measure.Stopwatch()
    for number in range(args.steps + 2):
        if number == 2:
            watch = measure.Stopwatch()
        total = nn.functional.cross_entropy(model(image), label)
        total.backward()
        optimizer.step()
        optimizer.zero_grad()
        total.item()
        watch.lap()
    count = sum(parameter.numel() for parameter in model.parameters())
    return {"wall": watch.wall, "cpu": watch.cpu, "parameters": count, "threads": torch.get_num_threads()}


def inference(model, args, warm=5):
    """The median and the least wall milliseconds, and the mean CPU milliseconds, of one image."""
    image = torch.tensor(classification.batch(1, args.size)[0])
    taken, used = [], 0.0
    with torch.inference_mode():
        for number in range(args.repeat + warm):
            if number == warm:
                used = time.process_time()
            began = time.perf_counter()
            model(image).softmax(1)
            taken.append(1000 * (time.perf_counter() - began))
    cpu = 1000 * (time.process_time() - used) / args.repeat
    return {"p50": measure.median(taken[warm:]), "min": min(taken[warm:]), "cpu": cpu}


if __name__ == "__main__":
    main()
