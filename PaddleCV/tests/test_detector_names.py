"""The names of torchvision's detectors onto ours, without torch; see test_torch_names.py."""

import functools

import numpy as np
import pytest

from common.build.foreign import model_shapes
from common.config import load_config
from PaddleCV.models.foreign.torch_names import ForeignNames

from .test_torch_names import KIT, arrays, same_part

DETECTORS = {
    "retinanet_resnet50_fpn": ("retinanet", ["model.neck.extra=conv_output"], 81),
    "fasterrcnn_resnet50_fpn": ("faster_rcnn_fpn", [], 80),
    "maskrcnn_resnet50_fpn": ("mask_rcnn_fpn", [], 80),
    "ssd300_vgg16": ("ssd_vgg16_300", [], 80),
}


@functools.cache
def config_of(theirs):
    name, changes, _ = DETECTORS[theirs]
    return load_config(KIT / f"configs/{name}.yml", changes)


@functools.cache
def converted(theirs):
    """(our names and shapes, the converted arrays, the arrays of the file), every array filled with its own number."""
    given = arrays("torchvision", theirs)
    config = config_of(theirs)
    order = ForeignNames("torchvision", ForeignNames.network_of(config), given).order
    assert order.count_classes(given) == DETECTORS[theirs][2]
    shapes = model_shapes(config, order.count_classes(given))
    return shapes, order.rename(given, shapes), given


@pytest.mark.parametrize("theirs", DETECTORS)
def test_a_state_dictionary_fills_our_detector_and_every_array_once(theirs):
    shapes, found, given = converted(theirs)
    assert {name: array.shape for name, array in found.items()} == shapes
    by_number = {round(float(array.flat[0])): name for name, array in given.items()}
    taken = [by_number[round(float(array.flat[0]))] for array in found.values()]
    assert sorted(taken) == sorted(name for name in given if not name.endswith("num_batches_tracked"))
    assert all(same_part(source, mine) for source, mine in zip(taken, found) if "scale_weight" not in source)


@pytest.mark.parametrize(
    ("theirs", "source", "mine"),
    [
        ("retinanet_resnet50_fpn", "backbone.fpn.inner_blocks.1.0.weight", "neck.laterals.1.weight"),
        ("retinanet_resnet50_fpn", "backbone.fpn.extra_blocks.p7.bias", "neck.downs.1.bias"),
        ("retinanet_resnet50_fpn", "head.classification_head.conv.3.0.weight", "head.class_tower.6.weight"),
        ("retinanet_resnet50_fpn", "head.regression_head.conv.0.0.weight", "head.box_tower.0.weight"),
        (
            "fasterrcnn_resnet50_fpn",
            "backbone.body.layer1.0.downsample.0.weight",
            "backbone.stages.0.0.shortcut.conv.weight",
        ),
        ("fasterrcnn_resnet50_fpn", "backbone.fpn.layer_blocks.3.0.weight", "neck.outputs.3.weight"),
        ("fasterrcnn_resnet50_fpn", "rpn.head.bbox_pred.weight", "rpn.deltas.weight"),
        ("fasterrcnn_resnet50_fpn", "roi_heads.box_head.fc7.bias", "boxes.head.body.second.bias"),
        ("maskrcnn_resnet50_fpn", "roi_heads.box_head.fc7.bias", "boxes.head.body.second.bias"),
        ("maskrcnn_resnet50_fpn", "roi_heads.mask_head.3.0.weight", "masks.head.layers.6.weight"),
        ("maskrcnn_resnet50_fpn", "roi_heads.mask_predictor.conv5_mask.bias", "masks.head.layers.8.bias"),
        ("maskrcnn_resnet50_fpn", "roi_heads.mask_predictor.mask_fcn_logits.bias", "masks.head.layers.10.bias"),
        ("ssd300_vgg16", "backbone.scale_weight", "neck.normalize.weight"),
        ("ssd300_vgg16", "head.regression_head.module_list.5.bias", "head.deltas.5.bias"),
    ],
)
def test_layers_of_equal_shapes_are_not_exchanged(theirs, source, mine):
    _, found, given = converted(theirs)
    assert np.unique(found[mine]).tolist() == np.unique(given[source]).tolist()


def test_a_detector_is_known_by_its_class_and_others_by_their_backbone():
    assert ForeignNames.network_of(config_of("ssd300_vgg16")) == "SSD"
    assert ForeignNames.network_of(load_config(KIT / "configs/yolov3.yml")) == "YOLOv3"
    assert ForeignNames.network_of(load_config(KIT / "configs/resnet50.yml")) == "ResNet"
