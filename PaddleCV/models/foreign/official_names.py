"""The names of the weights of PaddleClas, family by family, in the order of their layers.

Those of PaddleDetection and PaddleSeg are in `official_detectors.py` and `official_segmentors.py`.

Facts about the weights that PaddleClas 2.x publishes (https://github.com/PaddlePaddle/PaddleClas).  Where it
scales by 1 - p in inference after a dropout of p, which we do in training instead, the layer behind it is scaled once.
"""

from common.errors import ConfigError
from common.weights.name_order import NameOrder

from . import official_detectors, official_segmentors

RESIDUAL = NameOrder("conv bb scale squeeze excitation short batch norm out")
FAMILIES = {
    "alexnet": NameOrder("conv fc", scales=(("_fc6.weight", 0.5), ("_fc7.weight", 0.5))),
    "darknet": NameOrder(
        "conv stage bn out", rewrites=((r"_basic_block_(\d)(\d)", r"stage\1_0_\2"), (r"_downsample_(\d)", r"stage\1_1"))
    ),
    "densenet": NameOrder(
        "conv stage func bn batch norm out",
        rewrites=(
            (r"db_conv_(\d)\.conv\d_(\d+)\.bn_ac_func(\d)\._batch_norm", r"stage_\1_0_\2_\3_0"),
            (r"db_conv_(\d)\.conv\d_(\d+)\.bn_ac_func(\d)\._conv", r"stage_\1_0_\2_\3_1"),
            (r"tr_conv(\d)_blk\.conv_ac_func\._batch_norm", r"stage_\1_1_0"),
            (r"tr_conv(\d)_blk\.conv_ac_func\._conv", r"stage_\1_1_1"),
            (r"^conv1_func\._conv", "conv_0"),
            (r"^conv1_func\._batch_norm", "conv_1"),
        ),
    ),
    "dpn": NameOrder(
        "first dpn last out batch conv norm",
        rewrites=(
            (r"^conv1_x_1_func\._conv", "first_0"),
            (r"^conv1_x_1_func\._batch_norm", "first_1"),
            (r"c1x1_w_func", "0"),
            (r"c1x1_a_func", "1"),
            (r"c3x3_b_func", "2"),
            (r"c1x1_c_func", "3"),
            (r"c1x1_c(\d)_func", r"4_\1"),
            (r"^conv5_x_x_bn", "last"),
        ),
    ),
    "efficientnet": NameOrder(
        "ef stem blocks ecn dcn se pcn conv bn fc",
        rewrites=((r"_ef\.block\.", "_ef._blocks."), (r"_conv_stem", "stem"), (r"^_conv\.", "_fc_0.")),
    ),
    "googlenet": NameOrder(
        "conv ince fc out convprj r o a b c d e",
        rewrites=(
            (r"^_conv\._conv", "_conv_0"),
            (r"(_ince\w+\._conv\d)r", r"\1_0"),
            (r"(_ince\w+\._conv\d)\.", r"\1_1."),
            (r"_conv_o(\d)\._conv", r"_out_\1_0"),
            (r"_fc_o(\d)", r"_out_\1_1"),
            (r"_out(\d)", r"_out_\1_2"),
        ),
        scales=(("_fc_out.weight", 0.6), ("_out1.weight", 0.3), ("_out2.weight", 0.3)),
    ),
    "inception_v4": NameOrder(
        "inception stem inceptionA reductionA inceptionB reductionB inceptionC conv batch norm out",
        rewrites=(
            (r"stem\._conv_", "stem_0_"),
            (r"stem\._conv2\.", "stem_0_9."),
            (r"_conv4_000\.", "_conv4_0_2."),
            (r"_conv4_00\.", "_conv4_0_1."),
            (r"_conv4_0\.", "_conv4_0_0."),
        ),
        scales=(("out.weight", 0.8),),
    ),
    "mobilenet_v1": NameOrder("conv blocks depthwise pointwise bn fc"),
    "mobilenet_v2": NameOrder(
        "conv first block expand bottleneck linear batch norm out", rewrites=((r"conv\d_(\d+)\.", r"block\1."),)
    ),
    "mobilenet_v3": NameOrder(
        "conv blocks expand bottleneck mid se linear bn last second fc",
        rewrites=((r"^last_second_conv", "last_0"), (r"^last_conv", "last_1")),
        scales=(("fc.weight", 0.8),),
    ),
    "resnet": NameOrder("stem blocks conv short bn fc"),
    "resnet_vc": RESIDUAL,
    "resnext": RESIDUAL,
    "resnext_wsl": NameOrder("stem conv short bn out", rewrites=((r"_conv_stem", "stem"),)),
    "shufflenet_v2": NameOrder(
        "first block pw dw linear batch norm conv last fc",
        rewrites=(
            (r"^_conv1", "first"),
            (r"^(\d)_(\d)\._conv_(\w+?)_(\d)\.", r"block_\1_\2_\4_\3."),
            (r"^(\d)_(\d)\._conv", r"block_\1_\2"),
            (r"^_last_conv", "last"),
            (r"_conv\.", "0."),
            (r"_batch_norm\.", "1."),
        ),
    ),
    "squeezenet": NameOrder("conv path", rewrites=((r"^_conv\.", "_conv0."),), scales=(("_conv9.weight", 0.5),)),
    "vgg": NameOrder("conv block fc", scales=(("fc2.weight", 0.5), ("fc3.weight", 0.5))),
    "xception": NameOrder(
        "entry middle exit flow short conv pointwise depthwise batch norm out",
        rewrites=((r"_entry_flow\._conv(\d)", r"_entry_flow_0_\1"), (r"_entry_flow\._conv_(\d)", r"_entry_flow_1_\1")),
    ),
    "xception_deeplab": NameOrder(
        "conv xception entry middle exit flow block bn short fc",
        rewrites=((r"_conv1\.weight", "_0.weight"), (r"_bn1", "_1"), (r"_conv2\.weight", "_2.weight"), (r"_bn2", "_3")),
        scales=(("_fc.weight", 0.5),),
    ),
}


class OfficialNames:
    """The renaming of one family of the index.

    Args:
        family (str): a key of FAMILIES, here or in those files.
    """

    def __init__(self, family):
        families = FAMILIES | official_detectors.FAMILIES | official_segmentors.FAMILIES
        if family not in families:
            raise ConfigError(f"pretrained.csv: there is no family '{family}'; there are {', '.join(families)}")
        self.order = families[family]

    def rename(self, arrays, shapes):
        """See :meth:`common.weights.name_order.NameOrder.rename`."""
        return self.order.rename(arrays, shapes)
