"""The names of torchvision's detectors, in the order of the layers of ours.

Facts about torchvision 0.29.  A detector is called by its class.  The classes of these files are numbered from the
background on: those of Faster R-CNN, Mask R-CNN and SSD lose it here, so that label i of theirs is i - 1 of ours;
RetinaNet has an output for number 0 too, and keeps its numbers.
"""

import dataclasses

from common.weights.name_order import NameOrder

RESIDUAL = (
    (r"^backbone\.body\.", ""),
    (r"^conv1\.", "stem.0."),
    (r"^bn1\.", "stem.1."),
    (r"\.(conv|bn)(\d)\.", r".main.\2.\1."),
)
PYRAMID = (
    (r"^backbone\.fpn\.inner_blocks", "fpn.0"),
    (r"^backbone\.fpn\.layer_blocks", "fpn.1"),
    (r"^backbone\.fpn\.extra_blocks\.p", "fpn.2."),
)
TWO_STAGES = (
    *RESIDUAL,
    *PYRAMID,
    (r"^rpn\.head\.conv", "rpn.0"),
    (r"^rpn\.head\.cls_logits", "rpn.1"),
    (r"^rpn\.head\.bbox_pred", "rpn.2"),
    (r"^roi_heads\.box_head\.fc", "roi.0."),
    (r"^roi_heads\.box_predictor\.cls_score", "roi.1"),
    (r"^roi_heads\.box_predictor\.bbox_pred", "roi.2"),
)
STATISTICS = ((r"running_mean$", "mean"), (r"running_var$", "variance"))


@dataclasses.dataclass(frozen=True)
class DetectorOrder(NameOrder):
    """The sort order of the names of a detector, which also says how many classes a file has.

    Args:
        scores (str): the bias of a layer that predicts the scores.
        deltas (str): the bias of the layer that predicts the deltas of as many boxes; empty for one score per class.
        background (int): 1 if a score is that of the background.
    """

    scores: str = ""
    deltas: str = ""
    background: int = 1

    def count_classes(self, arrays):
        """The number of classes of the file, without the background."""
        boxes = len(arrays[self.deltas]) // 4 if self.deltas else 1
        return len(arrays[self.scores]) // boxes - self.background


def detector(words, rewrites, **more):
    """The DetectorOrder of a detector of torchvision."""
    rewrites = (*rewrites, *STATISTICS)
    return DetectorOrder(words, rewrites, transposed=True, ignored=r".*\.num_batches_tracked", **more)


TORCHVISION = {
    "RetinaNet": detector(
        "stem layer main downsample fpn head conv bn",
        (
            *RESIDUAL,
            *PYRAMID,
            (r"^head\.classification_head\.conv", "head.0"),
            (r"^head\.regression_head\.conv", "head.1"),
            (r"^head\.classification_head\.cls_logits", "head.2"),
            (r"^head\.regression_head\.bbox_reg", "head.3"),
        ),
        scores="head.classification_head.cls_logits.bias",
        deltas="head.regression_head.bbox_reg.bias",
        background=0,
    ),
    "FasterRCNN": detector(
        "stem layer main downsample fpn rpn roi conv bn",
        TWO_STAGES,
        scores="roi_heads.box_predictor.cls_score.bias",
    ),
    "MaskRCNN": detector(
        "stem layer main downsample fpn rpn roi mask conv bn",
        (
            *TWO_STAGES,
            (r"^roi_heads\.mask_head\.(\d)\.0", r"mask.\1"),
            (r"^roi_heads\.mask_predictor\.conv5_mask", "mask.98"),
            (r"^roi_heads\.mask_predictor\.mask_fcn_logits", "mask.99"),
        ),
        scores="roi_heads.box_predictor.cls_score.bias",
    ),
    "SSD": detector(
        "features extra scale head",
        (
            (r"^backbone\.features", "features"),
            (r"^backbone\.extra\.0\.", "features.99."),
            (r"^backbone\.scale_weight", "scale.0.weight"),
            (r"^backbone\.extra", "scale"),
            (r"^head\.classification_head\.module_list", "head.0"),
            (r"^head\.regression_head\.module_list", "head.1"),
        ),
        scores="head.classification_head.module_list.0.bias",
        deltas="head.regression_head.module_list.0.bias",
    ),
}
NOTES = {
    "RetinaNet": "right with -o model.neck.extra=conv_output and with the anchors of torchvision: offset: 0, rounding: "
    "edges, sizes of 4, 5 and 6.3 cells in whole pixels",
    "FasterRCNN": "right with torchvision's anchors: -o model.rpn.anchors.offset=0 model.rpn.anchors.rounding=edges",
    "MaskRCNN": "right with torchvision's anchors: -o model.rpn.anchors.offset=0 model.rpn.anchors.rounding=edges",
    "SSD": "right with torchvision's prior boxes: min_sizes of 21 45 99 153 207 261, max_sizes up to 315, limit: 300",
}
