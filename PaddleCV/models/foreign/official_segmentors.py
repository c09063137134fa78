"""The names of the segmentation models of PaddleSeg 2.x (https://github.com/PaddlePaddle/PaddleSeg).

Facts about paddleseg 2.8.  Many of its convolutions have a bias before a normalization, which ours put into the mean of
the latter.  PSPNet joins the grids from the largest number of cells to the smallest, DeepLabV3+ the mean of the image
after the convolutions; ours do neither.
"""

from .official_order import OfficialOrder, absorbed, blocks_of_inputs, other_epsilon

DILATED = (
    (r"^backbone\.conv1_", "stem."),
    (r"^backbone\.bb_(\d)_(\d+)\.conv", r"backbone.\1.\2."),
    (r"^backbone\.bb_(\d)_(\d+)\.short", r"backbone.\1.\2.9"),
)
WORDS = "stem backbone encode decode conv down batch norm head aux cls"
FAMILIES = {
    "ppseg_unet": OfficialOrder(
        WORDS,
        (
            (r"^encode\.double_conv", "encode.0"),
            (r"^encode\.down_sample_list", "encode.1"),
            (r"^decode\.up_sample_list\.(\d)\.double_conv", r"decode.\1"),
        ),
        ignored=r"conv\.(weight|bias)",
        changes=((r".*\._conv\.bias", absorbed),),
    ),
    "ppseg_fcn": OfficialOrder(
        WORDS,
        (
            (r"^backbone\.conv_layer1_", "stem."),
            (r"^backbone\.la1\.bb_layer2_", "backbone.1."),
            (r"^backbone\.tr1\.transition_tr1_layer_", "backbone.2.0."),
            (r"^backbone\.tr2\.transition_tr2_layer_", "backbone.3.0."),
            (r"^backbone\.tr3\.transition_tr3_layer_", "backbone.4.0."),
            (r"^backbone\.st(\d)\.stage_st\d_(\d)\.branches_func\.bb_st\d_\d_branch_layer_", r"backbone.\1.\2.0."),
            (r"^backbone\.st(\d)\.stage_st\d_(\d)\.fuse_func\.residual_st\d_\d_layer_", r"backbone.\1.\2.1."),
            (r"^head\.conv_1\.", "head.0."),
            (r"^head\.cls", "head.1"),
        ),
        changes=((r"head\.conv_1\._conv\.bias", absorbed),),
    ),
    "ppseg_pspnet": OfficialOrder(
        WORDS,
        (
            *DILATED,
            (r"^head\.psp_module\.stages\.(\d)\.1", r"head.0.\1"),
            (r"^head\.psp_module\.conv_bn_relu2", "head.1"),
            (r"^head\.conv\.", "head.2."),
            (r"^head\.auxlayer\.conv_bn_relu", "aux.0"),
            (r"^head\.auxlayer\.conv\.", "aux.1."),
        ),
        changes=(
            (r"head\.auxlayer\.conv_bn_relu\._conv\.bias", absorbed),
            (
                r"head\.psp_module\.conv_bn_relu2\._conv\.weight",
                blocks_of_inputs([(0, 1 / 2), (7 / 8, 1), (6 / 8, 7 / 8), (5 / 8, 6 / 8), (4 / 8, 5 / 8)]),
            ),
        ),
    ),
    "ppseg_deeplabv3p": OfficialOrder(
        WORDS,
        (
            *DILATED,
            (r"^head\.aspp\.global_avg_pool\.1", "head.0"),
            (r"^head\.aspp\.aspp_blocks\.0\.", "head.1."),
            (r"^head\.aspp\.aspp_blocks\.(\d)\.depthwise_conv", r"head.2.\1.0"),
            (r"^head\.aspp\.aspp_blocks\.(\d)\.piontwise_conv", r"head.2.\1.1"),
            (r"^head\.aspp\.conv_bn_relu\.", "head.3."),
            (r"^head\.decoder\.conv_bn_relu1\.", "head.4."),
            (r"^head\.decoder\.conv_bn_relu(\d)\.depthwise_conv", r"head.5.\1.0"),
            (r"^head\.decoder\.conv_bn_relu(\d)\.piontwise_conv", r"head.5.\1.1"),
            (r"^head\.decoder\.conv\.", "head.6."),
        ),
        changes=(
            (r"head\..*\._conv\.bias", absorbed),
            (r"head\..*\._variance", other_epsilon(1e-5, 1e-3)),
            (r"head\.aspp\.conv_bn_relu\._conv\.weight", blocks_of_inputs([(4 / 5, 1), (0, 4 / 5)])),
        ),
    ),
}
NETWORKS = {
    "UNetHead": ("ppseg_unet",),
    "FCNHead": ("ppseg_fcn",),
    "PSPHead": ("ppseg_pspnet",),
    "DeepLabV3PlusHead": ("ppseg_deeplabv3p",),
}
