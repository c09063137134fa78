"""The networks of PaddleDetection 2.6 and PaddleSeg 2.8 that `official_parity.py` compares ours with.

A detector is described by what its configuration sets beside the defaults of the package, by class.
"""

import copy
import importlib
import sys
import types

BOXES = {"name": "MultiClassNMS", "keep_top_k": 100, "score_threshold": 0.05, "nms_threshold": 0.5}
ASSIGNER = {"batch_size_per_im": 512, "bg_thresh": 0.5, "fg_thresh": 0.5, "fg_fraction": 0.25, "use_random": True}
PROPOSALS = {"min_size": 0.0, "nms_thresh": 0.7, "post_nms_top_n": 1000}
RCNN = {
    "ResNet": {"depth": 50, "norm_type": "bn", "freeze_at": 0, "return_idx": [0, 1, 2, 3], "num_stages": 4},
    "FPN": {"out_channel": 256},
    "RPNHead": {
        "anchor_generator": {"anchor_sizes": [[32], [64], [128], [256], [512]], "strides": [4, 8, 16, 32, 64]},
        "test_proposal": {**PROPOSALS, "pre_nms_top_n": 1000},
    },
    "BBoxAssigner": ASSIGNER,
    "TwoFCHead": {"out_channel": 1024},
    "BBoxPostProcess": {"decode": "RCNNBox", "nms": BOXES},
}
PARTS = {"backbone": "ResNet", "neck": "FPN", "rpn_head": "RPNHead", "bbox_post_process": "BBoxPostProcess"}
FASTER = {**PARTS, "bbox_head": "BBoxHead"}
FPN_HEAD = {"head": "TwoFCHead", "roi_extractor": {"resolution": 7, "sampling_ratio": 0, "aligned": True}}
C4_HEAD = {"head": "Res5Head", "roi_extractor": {"resolution": 14, "sampling_ratio": 0, "aligned": True}}
PRIORS = {
    "steps": [8, 16, 32, 64, 100, 300],
    "aspect_ratios": [[2.0], [2.0, 3.0], [2.0, 3.0], [2.0, 3.0], [2.0], [2.0]],
    "min_sizes": [30.0, 60.0, 111.0, 162.0, 213.0, 264.0],
    "max_sizes": [60.0, 111.0, 162.0, 213.0, 264.0, 315.0],
    "min_max_aspect_ratios_order": True,
}
SMALL_PRIORS = {
    "steps": [0] * 6,
    "aspect_ratios": [[2.0], *[[2.0, 3.0]] * 5],
    "min_sizes": [60.0, 105.0, 150.0, 195.0, 240.0, 285.0],
    "max_sizes": [[], 150.0, 195.0, 240.0, 285.0, 300.0],
}
SSD = {
    "BBoxPostProcess": {
        "decode": {"name": "SSDBox"},
        "nms": {**BOXES, "keep_top_k": 200, "score_threshold": 0.01, "nms_threshold": 0.45, "nms_top_k": 400},
    }
}
YOLO = {
    "architecture": "YOLOv3",
    "YOLOv3Head": {
        "anchors": [[10, 13], [16, 30], [33, 23], [30, 61], [62, 45], [59, 119], [116, 90], [156, 198], [373, 326]],
        "anchor_masks": [[6, 7, 8], [3, 4, 5], [0, 1, 2]],
    },
    "BBoxPostProcess": {
        "decode": {"name": "YOLOBox", "conf_thresh": 0.005, "downsample_ratio": 32, "clip_bbox": False},
        "nms": {**BOXES, "score_threshold": 0.01, "nms_threshold": 0.45, "nms_top_k": 1000},
    },
}
OF_YOLO = {"neck": "YOLOv3FPN", "yolo_head": "YOLOv3Head", "post_process": "BBoxPostProcess"}
DETECTORS = {
    "ssd_vgg16_300_240e_voc": {
        "architecture": "SSD",
        "SSD": {"backbone": "VGG", "ssd_head": "SSDHead", "post_process": "BBoxPostProcess"},
        "VGG": {"depth": 16, "normalizations": [20.0, -1, -1, -1, -1, -1]},
        "SSDHead": {"anchor_generator": PRIORS},
        **SSD,
    },
    "ssd_mobilenet_v1_300_120e_voc": {
        "architecture": "SSD",
        "SSD": {"backbone": "MobileNet", "ssd_head": "SSDHead", "post_process": "BBoxPostProcess"},
        "MobileNet": {
            "with_extra_blocks": True,
            "extra_block_filters": [[256, 512], [128, 256], [128, 256], [64, 128]],
            "feature_maps": [11, 13, 14, 15, 16, 17],
        },
        "SSDHead": {"kernel_size": 1, "padding": 0, "anchor_generator": SMALL_PRIORS},
        **SSD,
    },
    "retinanet_r50_fpn_1x_coco": {
        "architecture": "RetinaNet",
        "RetinaNet": {"backbone": "ResNet", "neck": "FPN", "head": "RetinaHead"},
        "ResNet": {**RCNN["ResNet"], "return_idx": [1, 2, 3]},
        "FPN": {"out_channel": 256, "extra_stage": 2, "has_extra_convs": True, "use_c5": False},
        "RetinaHead": {
            "conv_feat": {"name": "RetinaFeat", "num_convs": 4, "norm_type": None},
            "anchor_generator": {"name": "RetinaAnchorGenerator"},
            "bbox_assigner": {"name": "MaxIoUAssigner", "positive_overlap": 0.5, "negative_overlap": 0.4},
            "nms": {**BOXES, "nms_top_k": 10**6},  # see RELAXED of official_parity.py
        },
    },
    "faster_rcnn_r50_fpn_1x_coco": {
        **RCNN,
        "architecture": "FasterRCNN",
        "FasterRCNN": FASTER,
        "BBoxHead": {**FPN_HEAD, "bbox_assigner": "BBoxAssigner"},
    },
    "faster_rcnn_r50_vd_1x_coco": {
        **RCNN,
        "architecture": "FasterRCNN",
        "FasterRCNN": {part: name for part, name in FASTER.items() if part != "neck"},
        "ResNet": {**RCNN["ResNet"], "variant": "d", "return_idx": [2], "num_stages": 3},
        "RPNHead": {
            "anchor_generator": {"anchor_sizes": [32, 64, 128, 256, 512], "strides": [16]},
            "test_proposal": {**PROPOSALS, "pre_nms_top_n": 6000},
        },
        "BBoxHead": {**C4_HEAD, "bbox_assigner": "BBoxAssigner", "with_pool": True},
    },
    "mask_rcnn_r50_fpn_1x_coco": {
        **RCNN,
        "architecture": "MaskRCNN",
        "MaskRCNN": {**FASTER, "mask_head": "MaskHead", "mask_post_process": "MaskPostProcess"},
        "BBoxHead": {**FPN_HEAD, "bbox_assigner": "BBoxAssigner"},
        "MaskHead": {
            "head": "MaskFeat",
            "roi_extractor": {"resolution": 14, "sampling_ratio": 0, "aligned": True},
            "mask_assigner": "MaskAssigner",
        },
        "MaskFeat": {"num_convs": 4, "out_channel": 256},
        "MaskAssigner": {"mask_resolution": 28},
    },
    "cascade_rcnn_r50_fpn_1x_coco": {
        **RCNN,
        "architecture": "CascadeRCNN",
        "CascadeRCNN": {**PARTS, "bbox_head": "CascadeHead"},
        "CascadeHead": {**FPN_HEAD, "head": "CascadeTwoFCHead", "bbox_assigner": "BBoxAssigner"},
        "CascadeTwoFCHead": {"out_channel": 1024},
        "BBoxAssigner": {**ASSIGNER, "cascade_iou": [0.5, 0.6, 0.7]},
        "BBoxPostProcess": {"decode": {"name": "RCNNBox", "prior_box_var": [30.0, 30.0, 15.0, 15.0]}, "nms": BOXES},
    },
    "yolov3_darknet53_270e_coco": {
        **YOLO,
        "YOLOv3": {"backbone": "DarkNet", **OF_YOLO},
        "DarkNet": {"depth": 53, "return_idx": [2, 3, 4]},
    },
    "yolov3_r50vd_dcn_270e_coco": {
        **YOLO,
        "YOLOv3": {"backbone": "ResNet", **OF_YOLO},
        "ResNet": {**RCNN["ResNet"], "variant": "d", "return_idx": [1, 2, 3], "dcn_v2_stages": [3]},
    },
    "yolov3_mobilenet_v1_270e_coco": {
        **YOLO,
        "YOLOv3": {"backbone": "MobileNet", **OF_YOLO},
        "MobileNet": {"feature_maps": [4, 6, 13], "with_extra_blocks": False, "extra_block_filters": []},
    },
    "yolov3_mobilenet_v3_large_270e_coco": {
        **YOLO,
        "YOLOv3": {"backbone": "MobileNetV3", **OF_YOLO},
        "MobileNetV3": {"feature_maps": [7, 13, 16], "with_extra_blocks": False, "extra_block_filters": []},
    },
}
SEGMENTORS = {
    "unet_cityscapes_1024x512_160k": lambda kit: kit.UNet(19),
    "fcn_hrnetw18_cityscapes_1024x512_80k": lambda kit: kit.FCN(19, kit.backbones.HRNet_W18()),
    "fcn_hrnetw48_voc12aug_512x512_40k": lambda kit: kit.FCN(21, kit.backbones.HRNet_W48()),
    "pspnet_resnet50_os8_cityscapes_1024x512_80k": lambda kit: kit.PSPNet(19, kit.backbones.ResNet50_vd()),
    "deeplabv3p_resnet50_os8_cityscapes_1024x512_80k": lambda kit: kit.DeepLabV3P(
        19, kit.backbones.ResNet50_vd(), aspp_ratios=(1, 12, 24, 36)
    ),
    "deeplabv3p_resnet101_os8_cityscapes_769x769_80k": lambda kit: kit.DeepLabV3P(
        19, kit.backbones.ResNet101_vd(), aspp_ratios=(1, 12, 24, 36), align_corners=True
    ),
}


class Nothing(types.ModuleType):
    """A package that is not there; whatever is called in it does nothing."""

    __path__ = ()

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *given, **named: None


def imported(name, most=60):
    """A module of one of the packages; what it imports and is not installed does nothing.

    Raises:
        SystemExit: the package is not installed.
    """
    if importlib.util.find_spec(name.partition(".")[0]) is None:
        sys.exit(f"{name} is not here: {sys.executable} -m pip install --no-deps paddledet==2.6.0 paddleseg==2.8.0")
    for _ in range(most):
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            sys.modules[error.name] = Nothing(error.name)
    raise ImportError(f"{name} imports more than {most} packages that are not here")


def official_network(name, classes):
    """The network of PaddleDetection or PaddleSeg with this name."""
    if name in SEGMENTORS:
        kit = imported("paddleseg.models")
        imported("paddleseg.models.backbones")
        return SEGMENTORS[name](kit)
    imported("ppdet.modeling")
    workspace = imported("ppdet.core.workspace")
    given = copy.deepcopy(DETECTORS[name])
    workspace.merge_config({**given, "num_classes": classes, "norm_type": "bn"})
    return workspace.create(given["architecture"])
