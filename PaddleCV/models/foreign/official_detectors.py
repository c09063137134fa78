"""The names of the detectors of PaddleDetection 2.x (https://github.com/PaddlePaddle/PaddleDetection).

Facts about paddledet 2.6.  Its classes are numbered without a background, whose score is the last one and whose box and
mask are missing; ours come first.  Anchors of a cell run over the sizes before the aspect ratios, ours the other way
round.  Where the arrays fit and the definition is another one, `settings` of pretrained.csv make ours the same.
"""

from .official_order import OfficialOrder, background_first, background_first_of_priors, ratios_first, zeros_first

RESIDUAL = (
    (r"^backbone\.conv1\.conv1_?(\d?)\.", r"stem.\1."),
    (r"conv_offset", "offset"),
    (r"\bres(\d)\.res\d", r"res.\1."),
)
MOBILE = (
    (r"^backbone\.conv7_(\d)\.pointwise_conv", r"neck.1.\1.0"),
    (r"^backbone\.conv7_(\d)\.normal_conv", r"neck.1.\1.1"),
    (r"^backbone\.conv(\d)(?:_(\d))?\._depthwise_conv", r"mobile.\1.\2.0"),
    (r"^backbone\.conv(\d)(?:_(\d))?\._pointwise_conv", r"mobile.\1.\2.1"),
    (r"^backbone\.conv(\d+)\.expand_conv", r"mobile.\1.0"),
    (r"^backbone\.conv(\d+)\.bottleneck_conv", r"mobile.\1.1"),
    (r"^backbone\.conv(\d+)\.mid_se", r"mobile.\1.2"),
    (r"^backbone\.conv(\d+)\.linear_conv", r"mobile.\1.3"),
    (r"^backbone\.conv1\.", "mobile.1."),
)
PYRAMID = (
    (r"^neck\.fpn_inner_res(\d)_sum(_lateral)?", r"neck.0.\1"),
    (r"^neck\.fpn_res(\d)_sum", r"neck.1.\1"),
    (r"^neck\.fpn_(\d)", r"neck.2.\1"),
)
PROPOSALS = (
    (r"^rpn_head\.rpn_feat\.rpn_conv", "rpn.0"),
    (r"^rpn_head\.rpn_rois_score", "rpn.1"),
    (r"^rpn_head\.rpn_rois_delta", "rpn.2"),
)
REGIONS = (
    (r"^bbox_head\.head\.(\d)\.fc", r"bbox.\1.0."),
    (r"^bbox_head\.bbox_score_stage(\d)", r"bbox.\1.1"),
    (r"^bbox_head\.bbox_delta_stage(\d)", r"bbox.\1.2"),
    (r"^bbox_head\.head\.(fc)?", "bbox.0."),
    (r"^bbox_head\.bbox_score", "bbox.1"),
    (r"^bbox_head\.bbox_delta", "bbox.2"),
    (r"^mask_head\.head\.upsample\.mask_inter_feat_(\d)", r"mask.0.\1"),
    (r"^mask_head\.head\.upsample\.conv5_mask", "mask.1"),
    (r"^mask_head\.mask_fcn_logits", "mask.2"),
)
NECK_OF_YOLO = (
    (r"^neck\.yolo_block\.(\d)\.conv_module\.conv(\d)", r"neck.0.\1.\2"),
    (r"^neck\.yolo_block\.(\d)\.conv_module\.route", r"neck.0.\1.4"),
    (r"^neck\.yolo_block\.(\d)\.tip", r"neck.0.\1.5"),
    (r"^neck\.yolo_transition\.(\d)", r"neck.1.\1"),
    (r"^yolo_head\.yolo_output", "yolo"),
)
WORDS = "stem backbone mobile dark res a b c d e f branch short conv offset bn batch norm neck rpn bbox mask yolo head"
BOXES = (
    (r"rpn_head\.rpn_rois_(score|delta)\..*", ratios_first(3)),
    (r"bbox_head\.bbox_score(_stage\d)?\..*", background_first),
    (r"bbox_head\.bbox_delta(_stage\d)?\..*", zeros_first(4)),
    (r"mask_head\.mask_fcn_logits\..*", zeros_first(1)),
)
PRIORS = ((r"ssd_head\.scores\d\..*", background_first_of_priors("scores", "boxes")),)
SSD = {"scores": "ssd_head.scores0.bias", "deltas": "ssd_head.boxes0.bias", "changes": PRIORS}
HEAD_OF_SSD = ((r"^ssd_head\.scores", "head.0."), (r"^ssd_head\.boxes", "head.1."))
FAMILIES = {
    "ppdet_ssd_vgg": OfficialOrder(
        WORDS,
        (
            (r"^backbone\.conv_block_(\d)\.conv", r"backbone.\1."),
            (r"^backbone\.fc(\d)", r"backbone.5.\1"),
            (r"^backbone\.norm0\.scale", "neck.0.weight"),
            (r"^backbone\.conv(\d)\.conv(\d)", r"neck.1.\1.\2"),
            *HEAD_OF_SSD,
        ),
        **SSD,
    ),
    "ppdet_ssd_mobilenet": OfficialOrder(WORDS, (*MOBILE, *HEAD_OF_SSD), **SSD),
    "ppdet_retinanet": OfficialOrder(
        WORDS,
        (
            *RESIDUAL,
            *PYRAMID,
            (r"^head\.conv_feat\.fcos_head_cls_tower_conv_(\d)\.conv", r"head.0.\1"),
            (r"^head\.conv_feat\.fcos_head_reg_tower_conv_(\d)\.conv", r"head.1.\1"),
            (r"^head\.retina_cls", "head.2"),
            (r"^head\.retina_reg", "head.3"),
        ),
        scores="head.retina_cls.bias",
        deltas="head.retina_reg.bias",
        background=0,
        changes=((r"head\.retina_(cls|reg)\..*", ratios_first(3)),),
    ),
    "ppdet_rcnn": OfficialOrder(
        WORDS, (*RESIDUAL, *PYRAMID, *PROPOSALS, *REGIONS), scores="bbox_head.bbox_score.bias", changes=BOXES
    ),
    "ppdet_cascade_rcnn": OfficialOrder(
        WORDS, (*RESIDUAL, *PYRAMID, *PROPOSALS, *REGIONS), scores="bbox_head.bbox_score_stage0.bias", changes=BOXES
    ),
    "ppdet_yolov3": OfficialOrder(
        WORDS,
        (
            (r"^backbone\.conv0\.", "dark.0."),
            (r"^backbone\.downsample0\.conv_bn_layer", "dark.1.0.0"),
            (r"^backbone\.stage\.(\d)\.basicblock0\.conv", r"dark.1.\1.1.0."),
            (r"^backbone\.stage\.(\d)\.stage\.\d\.(\d+)\.conv", r"dark.1.\1.1.\2."),
            (r"^backbone\.stage\.(\d)\.downsample\.conv_bn_layer", r"dark.1.\1.2"),
            *RESIDUAL,
            *MOBILE,
            *NECK_OF_YOLO,
        ),
        scores="yolo_head.yolo_output.0.bias",
        values=5,
        anchors=3,
    ),
}
NETWORKS = {
    "SSD": ("ppdet_ssd_vgg", "ppdet_ssd_mobilenet"),
    "RetinaNet": ("ppdet_retinanet",),
    "FasterRCNN": ("ppdet_rcnn",),
    "MaskRCNN": ("ppdet_rcnn",),
    "CascadeRCNN": ("ppdet_cascade_rcnn",),
    "CascadeMaskRCNN": ("ppdet_cascade_rcnn",),
    "YOLOv3": ("ppdet_yolov3",),
}
