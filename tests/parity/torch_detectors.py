"""The detectors of torchvision, run by the Python that has it; started by `detector_parity.py`.

A detector has random weights: those of its last layers are drawn wide enough that scores and boxes differ. Writes
`state.pth`, `input.npy` and `output.npz` (boxes, scores and labels, numbered without the background, and the masks
of the boxes before they are placed into the image).
"""

import argparse
import pathlib

import numpy as np
import torch
from torch import nn
from torch_side import statistics
from torchvision.models import detection

NONE = {"weights": None, "weights_backbone": None, "num_classes": 81}
AS_IT_IS = {"image_mean": [0.0] * 3, "image_std": [1.0] * 3}  # images are neither normalized nor resized
SIZE = (256, 320)
TWO_STAGES = {
    "rpn.head.cls_logits.weight": 0.003,
    "rpn.head.bbox_pred.weight": 0.0005,
    "cls_score.weight": 0.01,
    "roi_heads.box_predictor.bbox_pred.weight": 0.005,
}


def main():
    """Runs one detector."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=NETWORKS)
    parser.add_argument("folder", type=pathlib.Path)
    args = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    network, size, background, wide = NETWORKS[args.name]()
    statistics(network)
    for name, parameter in network.named_parameters():
        if any(part in name for part in wide):
            nn.init.normal_(parameter, 0, wide[next(part for part in wide if part in name)])
    network.eval()
    picture, masks = torch.randn(3, *size), {}
    if hasattr(network, "roi_heads"):  # masks are placed into the image after these
        network.roi_heads.register_forward_hook(lambda _, given, answer: masks.update(answer[0][0]))
    with torch.no_grad():
        (found,) = network([picture])
    torch.save(network.state_dict(), args.folder / "state.pth")
    np.save(args.folder / "input.npy", picture.numpy()[None])
    answer = {name: found[name].numpy() for name in ("boxes", "scores")}
    if "masks" in masks:
        answer["masks"] = masks["masks"][:, 0].numpy()
    np.savez(args.folder / "output.npz", labels=found["labels"].numpy() - background, **answer)


def faster_rcnn():
    """Faster R-CNN with ResNet50 and a pyramid."""
    sides = {"min_size": SIZE[0], "max_size": SIZE[1]}
    return detection.fasterrcnn_resnet50_fpn(**NONE, **AS_IT_IS, **sides), SIZE, 1, TWO_STAGES


def mask_rcnn():
    """Mask R-CNN with ResNet50 and a pyramid."""
    sides = {"min_size": SIZE[0], "max_size": SIZE[1]}
    network = detection.maskrcnn_resnet50_fpn(**NONE, **AS_IT_IS, **sides)
    return network, SIZE, 1, TWO_STAGES | {"mask_fcn_logits.weight": 0.02}


def retinanet():
    """RetinaNet with ResNet50; every score above the threshold is looked at, as in ours."""
    sides = {"min_size": SIZE[0], "max_size": SIZE[1]}
    network = detection.retinanet_resnet50_fpn(
        **NONE, **AS_IT_IS, **sides, topk_candidates=10**6, detections_per_img=100
    )
    return network, SIZE, 0, {"cls_logits.weight": 0.05, "bbox_reg.weight": 0.005}


def ssd():
    """SSD with VGG16 for images of 300 x 300."""
    network = detection.ssd300_vgg16(**NONE, **AS_IT_IS)
    return network, (300, 300), 1, {"classification_head.module_list": 0.02, "regression_head.module_list": 0.002}


NETWORKS = {"faster_rcnn_fpn": faster_rcnn, "mask_rcnn_fpn": mask_rcnn, "retinanet": retinanet, "ssd_vgg16_300": ssd}


if __name__ == "__main__":
    main()
