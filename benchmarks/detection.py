"""Benchmark of detectors against torchvision, onnxruntime and pycocotools, in CPU seconds.

    step        forward, loss, backward, update, of a batch: Faster R-CNN and RetinaNet with ResNet50 and a pyramid
    inference   one image through the exported model, by Python's predictor and onnxruntime (where the model has an ONNX
                form), and through torchvision's
    metric      COCO's average precision of detections in 5,000 images, against pycocotools
    nms         non-maximum suppression of 5,000 boxes of one class, against torchvision

Every row runs in a process of its own, in rounds. Weights are random: as many proposals as there may be, but hardly a
box above the threshold of the last NMS, on both sides.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import measure
from classification import environment

MODELS = ("faster_rcnn_fpn", "retinanet")
WHAT = ("step", "inference", "metric", "nms")
CLASSES = 80


def main():
    """Runs all measurements and prints the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--what", choices=WHAT, action="append", help="some of them; default all")
    parser.add_argument("--model", choices=MODELS, action="append", help="one of them; default both")
    parser.add_argument("--threads", type=int, default=1, help="(1)")
    parser.add_argument("--size", type=int, default=320, help="pixels (320)")
    parser.add_argument("--batch", type=int, default=2, help="images a training step (2)")
    parser.add_argument("--steps", type=int, default=3, help="measured training steps a round (3)")
    parser.add_argument("--repeat", type=int, default=10, help="images of inference, and runs of NMS, a round (10)")
    parser.add_argument("--images", type=int, default=5000, help="of the metric (5000)")
    parser.add_argument("--rounds", type=int, default=3, help="processes a row (3)")
    parser.add_argument("--json", help="write the ratios to this JSON file")
    parser.add_argument("--child", choices=CHILDREN, help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        return CHILDREN[args.child](args)
    results = {}
    for what in args.what or WHAT:
        for name in (args.model or MODELS) if what in ("step", "inference") else ("",):
            results |= COMPARISONS[what](name, args)
    return measure.finish(results, args.json)


def words_of(args, **more):
    """The words of a child's command line."""
    names = ("size", "batch", "steps", "repeat", "images")
    options = {name: getattr(args, name) for name in names} | more
    return [word for name, value in options.items() if value for word in (f"--{name}", value)]


def ours(args, **more):
    """A function that runs a child of this script."""
    words = words_of(args, **more)
    return lambda: measure.run_child(sys.executable, "detection.py", *words, **environment(args.threads))


def in_torch(args, **more):
    """A function that runs a child in torch."""
    words = words_of(args, **more)
    return lambda: measure.run_child(
        measure.torch_python(), "torch_detection.py", *words, **environment(args.threads, torch=True)
    )


def compare_steps(name, args):
    """Measures the training steps of one model: {aim: (ratio, comparison, goal)}."""
    rows = {"ours": ours(args, child="step", model=name)}
    if measure.torch_python():
        rows["torchvision"] = in_torch(args, what="step", model=name)
    title = f"{name}, a training step of {args.batch} x {args.size} x {args.size}: CPU seconds"
    cpu = measure.rounds(title, rows, args.rounds)
    return measure.ratios(cpu, f"{name}, training step", {"torchvision": 0.9})


def compare_inference(name, args):
    """Measures the exported model: {aim: (ratio, comparison, goal)}."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / name
        measure.run_child(
            sys.executable,
            "detection.py",
            *words_of(args, child="export", model=name, folder=folder),
            **environment(args.threads),
        )
        rows = {"ours": ours(args, child="python", folder=folder)}
        if (folder / "model.onnx").is_file():
            rows["onnxruntime"] = ours(args, child="onnxruntime", folder=folder)
        if measure.torch_python():
            rows["torchvision"] = in_torch(args, what="inference", model=name)
        title = f"{name}, an image of {args.size} x {args.size}: CPU seconds"
        cpu = measure.rounds(title, rows, args.rounds)
    return measure.ratios(cpu, f"{name}, exported", {"torchvision": 0.7, "onnxruntime": 1.0})


def compare_metric(_, args):
    """Measures the average precision of the same detections."""
    rows = {"ours": ours(args, child="metric"), "pycocotools": ours(args, child="pycocotools")}
    cpu = measure.rounds(f"average precision of {args.images} images: CPU seconds", rows, args.rounds)
    return measure.ratios(cpu, "average precision", {"pycocotools": 0.3})


def compare_nms(_, args):
    """Measures non-maximum suppression."""
    rows = {"ours": ours(args, child="nms")}
    if measure.torch_python():
        rows["torchvision"] = in_torch(args, what="nms")
    cpu = measure.rounds("NMS of 5,000 boxes: CPU seconds", rows, args.rounds)
    return measure.ratios(cpu, "NMS of 5,000 boxes", {"torchvision": 1.0})


COMPARISONS = {
    "step": compare_steps,
    "inference": compare_inference,
    "metric": compare_metric,
    "nms": compare_nms,
}


# In a separate process ---------------------------------------------------------------------------------------------


def batch(count, size, objects=8):
    """Noise for images, and boxes with labels: float32 [N, 3, H, W], float32 [N, 8, 4], int64 [N, 8]."""
    import numpy as np

    rng = np.random.default_rng(0)
    image = rng.standard_normal((count, 3, size, size), dtype=np.float32)
    corner, extent = rng.uniform(0, 0.6 * size, (count, objects, 2)), rng.uniform(10, 0.35 * size, (count, objects, 2))
    boxes = np.concatenate([corner, corner + extent], axis=-1).astype(np.float32)
    return image, boxes, rng.integers(0, CLASSES, (count, objects))


def many_boxes(count=5000):
    """Boxes and scores of NMS, of which about a tenth remains: float32 [P, 4], float32 [P]."""
    import numpy as np

    rng = np.random.default_rng(0)
    corner, extent = rng.uniform(0, 600, (count, 2)), rng.uniform(40, 200, (count, 2))
    return np.concatenate([corner, corner + extent], axis=1).astype("float32"), rng.random(count, dtype="float32")


def step(args):
    """Measures training steps in this process and prints them as JSON."""
    import numpy as np

    config, model, _ = measure.model_of(args.model[0], CLASSES, ["optimizer.lr=1e-4"])
    image, boxes, labels = batch(args.batch, args.size)
    sides = np.full((args.batch, 2), args.size, "float32")
    measure.train(config, model, {"image": image, "boxes": boxes, "labels": labels, "im_shape": sides}, args.steps)


def write_export(args):
    """Exports a model with random weights, for ONNX too where its operators have such a form."""
    import numpy as np

    sides = f"export.image_size=[{args.size},{args.size}]"
    config, model, labels = measure.model_of(args.model[0], CLASSES, [sides, "export.tolerance=1e-2"])
    from common.errors import EnvironmentProblem
    from common.export.example import example_inputs
    from common.export.write import export

    model.eval()
    inputs = example_inputs(model, config)
    inputs["image"] = batch(1, args.size)[0]
    inputs["im_shape"] = np.full((1, 2), args.size, "float32")
    try:
        export(model, config, labels, inputs, args.folder, onnx=True)
    except EnvironmentProblem:
        export(model, config, labels, inputs, args.folder)
    print("{}")


def run_export(args):
    """Measures an exported model."""
    import inference

    sys.path.insert(0, str(measure.REPOSITORY))
    inference.CHILDREN[args.child](args)


def truth_and_detections(images):
    """Random boxes as COCO writes them (dict), and our metric with detections: each box nearly, and others."""
    import numpy as np

    sys.path.insert(0, str(measure.REPOSITORY))
    from PaddleCV.metrics.coco_map import CocoMap

    rng = np.random.default_rng(0)
    category_ids = list(range(1, CLASSES + 1))
    annotations, outputs = [], []
    for image in range(images):
        count = int(rng.integers(1, 14))
        corner, extent = rng.uniform(0, 400, (count, 2)), rng.uniform(8, 200, (count, 2))
        labels = rng.integers(0, CLASSES, count)
        for label, (x, y), (width, height) in zip(labels.tolist(), corner.tolist(), extent.tolist()):
            box = {"bbox": [x, y, width, height], "area": width * height, "iscrowd": 0}
            annotations.append(
                {"id": len(annotations) + 1, "image_id": image, "category_id": category_ids[label], **box}
            )
        found = np.concatenate([corner, corner + extent], axis=1) + rng.normal(0, 6, (count, 4))
        more = rng.uniform(0, 400, (3 * count, 2))
        others = np.concatenate([more, more + rng.uniform(8, 200, (3 * count, 2))], axis=1)
        names = np.concatenate([labels, rng.integers(0, CLASSES, 3 * count)])
        outputs.append(np.column_stack([names, rng.random(4 * count), np.concatenate([found, others])]))
    known = [{"id": image, "height": 640, "width": 640} for image in range(images)]
    whole = {
        "images": known,
        "annotations": annotations,
        "categories": [{"id": number, "name": str(number)} for number in category_ids],
    }

    class Dataset:
        """Dataset with as much as the metric asks for."""

        labels = [str(number) for number in category_ids]

        def __init__(self):
            self.category_ids = category_ids

        def annotations(self):
            return whole

    metric = CocoMap(Dataset())
    for image, rows in enumerate(outputs):
        answer = {"boxes": rows.astype("float32"), "num_boxes": np.array([len(rows)])}
        metric.update(answer, {"image_id": np.array([image])})
    return whole, metric


def metric_of_ours(args):
    """Measures our metric, from the detections to the scores."""
    _, metric = truth_and_detections(args.images)
    watch = measure.Stopwatch()
    with measure.silent():
        scores = metric.compute()
    watch.lap()
    print(json.dumps({"cpu": watch.cpu, "wall": watch.wall, "AP": scores["AP"]}))


def metric_of_pycocotools(args):
    """Measures pycocotools on the same detections."""
    whole, metric = truth_and_detections(args.images)
    watch = measure.Stopwatch()
    with measure.silent():
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval

        truth = COCO()
        truth.dataset = whole
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(metric.results()), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    watch.lap()
    print(json.dumps({"cpu": watch.cpu, "wall": watch.wall, "AP": float(evaluation.stats[0])}))


def run_nms(args):
    """Measures NMS in this process."""
    sys.path.insert(0, str(measure.REPOSITORY))
    from common.system import runtime

    runtime.prepare()
    import paddle

    from PaddleCV.models.heads.nms import MulticlassNMS

    boxes, scores = (paddle.to_tensor(array) for array in many_boxes())
    nms = MulticlassNMS(score=0.0, iou=0.5, keep=-1, top_k=-1)
    watch, kept = measure.Stopwatch(), 0
    for number in range(args.repeat + 2):
        if number == 2:
            watch = measure.Stopwatch()
        kept = int(nms(boxes.unsqueeze(0), scores.reshape([1, 1, -1]))[1].sum())
        watch.lap()
    print(json.dumps({"cpu": watch.cpu, "wall": watch.wall, "kept": kept, "threads": os.environ["KIT_THREADS"]}))


CHILDREN = {
    "step": step,
    "export": write_export,
    "python": run_export,
    "onnxruntime": run_export,
    "metric": metric_of_ours,
    "pycocotools": metric_of_pycocotools,
    "nms": run_nms,
}


if __name__ == "__main__":
    main()
