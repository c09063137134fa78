"""The names of the weights of torchvision and timm, for the networks of this kit, in the order of their layers.

Facts about torchvision 0.29 and timm 1.0 (the files at huggingface.co/timm have the latter's names).  A network is
called by its backbone, a detector by its class (`detector_names.py`).  Where a definition differs from ours but the
arrays fit, NOTES says it; `tests/parity` shows that the others predict the same.
"""

from common.errors import ConfigError
from common.suggest import did_you_mean
from common.weights.name_order import NameOrder

from . import (
    darknet_names,
    detector_names,
    easyocr_names,
    face_api_names,
    mediapipe_names,
    official_detectors,
    official_names,
    official_segmentors,
    program_names,
)

STATISTICS = ((r"running_mean$", "mean"), (r"running_var$", "variance"))


def torch(words, *rewrites, **more):
    """The NameOrder of a family of PyTorch's networks."""
    rewrites = (*rewrites, *STATISTICS)
    return NameOrder(words, rewrites, transposed=True, ignored=r".*\.num_batches_tracked", **more)


def block(prefix, *groups):
    """Rewrites that number the layers of timm's blocks: those of the n-th group, a pattern, come n-th."""
    return tuple((rf"^({prefix})\.({group})\.", rf"\1.{number}.\2.") for number, group in enumerate(groups))


ENDS = ((r"^conv_stem", "stem.0"), (r"^bn1", "stem.1"), (r"^conv_head", "last.0"), (r"^bn2", "last.1"))
DOWN = (*ENDS, *block(r"blocks\.0\.\d+", "conv_dw|bn1", "se", "conv_pw|bn2"))  # a first block does not widen
INVERTED = (*DOWN, *block(r"blocks\.\d+\.\d+", "conv_pw|bn1", "conv_dw|bn2", "se", "conv_pwl|bn3"))
BLOCKS = "stem blocks conv se bn last classifier dw pw pwl reduce expand"
EXPAND = r"backbone\.stages\.0\.0\.layers\.0\..*"

RESIDUAL = torch(
    "stem layer main se downsample fc conv bn",
    (r"^conv1\.", "stem.0."),
    (r"^bn1\.", "stem.1."),
    (r"\.(conv|bn)(\d)\.", r".main.\2.\1."),
    identities=r"backbone\.stages\.0\.0\.shortcut\..*",
)
DENSE = torch(
    "stem stage denselayer main norm conv last classifier",
    (r"^features\.conv0", "stem.0"),
    (r"^features\.norm0", "stem.1"),
    (r"^features\.norm5", "last"),
    (r"^features\.denseblock(\d+)", r"stage.\1.0"),
    (r"^features\.transition(\d+)", r"stage.\1.1"),
    (r"(norm|conv)(\d)\.", r"main.\2.\1."),
)
FAMILIES = {
    "torchvision": {
        **detector_names.TORCHVISION,
        "AlexNet": torch("features classifier"),
        "VGG": torch("features classifier", zeros=r"features\.\d+\.bias"),
        "ResNet": RESIDUAL,
        "ResNeXt": RESIDUAL,
        "DenseNet": DENSE,
        "SqueezeNet": torch("features squeeze expand x classifier"),
        "MobileNetV2": torch("features conv classifier", identities=EXPAND),
        "MobileNetV3": torch("features block fc classifier"),
        "ShuffleNetV2": torch("conv stage branch last fc", (r"^conv5", "last")),
    },
    "darknet": darknet_names.DARKNET,
    "face_api": face_api_names.FACE_API,
    "mediapipe": mediapipe_names.MEDIAPIPE,
    "efficientnet_pytorch": {
        "EfficientNet": torch(
            "stem blocks last fc",
            (r"^_conv_stem", "stem.0"),
            (r"^_bn0", "stem.1"),
            (r"\._(expand_conv|bn0)\.", r".0.\1."),
            (r"\._(depthwise_conv|bn1)\.", r".1.\1."),
            (r"\._se_(reduce|expand)\.", r".2.\1."),
            (r"\._(project_conv|bn2)\.", r".3.\1."),
            (r"\.\w+_conv\.|\.reduce\.", ".0."),
            (r"\.bn\d\.|\.expand\.", ".1."),
            (r"^_conv_head", "last.0"),
            (r"^_bn1", "last.1"),
        ),
    },
    "easyocr": {"VGGEncoder": easyocr_names.EASYOCR},
    "paddleocr": dict.fromkeys(("LCNetV3", "MobileNetV3", "SVTREncoder"), program_names.PROGRAM),
    "timm": {
        "VGG": torch("features pre logits head fc", zeros=r"features\.\d+\.bias"),
        "ResNet": RESIDUAL,
        "ResNeXt": RESIDUAL,
        "DenseNet": DENSE,
        "DarkNet": torch("stem stages conv down blocks bn head fc"),
        "EfficientNet": torch(BLOCKS, *INVERTED),
        "MobileNetV1": torch(BLOCKS, *ENDS, *block(r"blocks\.\d+\.\d+", "conv_dw|bn1", "conv_pw|bn2")),
        "MobileNetV2": torch(BLOCKS, *INVERTED, identities=EXPAND),
        "XceptionDeepLab": torch(
            "stem blocks stack shortcut dw pw conv bn head fc", (r"(conv|bn)_(dw|pw)\.", r"\2.\1.")
        ),
        "DPN": torch(
            "features first bn conv last classifier",
            (r"conv1_1\.conv", "first.0"),
            (r"conv1_1\.bn", "first.1"),
            (r"conv5_bn_ac", "last"),
            (r"c1x1_w_s\d", "0"),
            (r"c1x1_a", "1"),
            (r"c3x3_b", "2"),
            (r"c1x1_c", "3"),
            epsilon=1e-3 - 1e-5,
        ),
        "InceptionV4": torch(
            "features branch a b conv bn last linear",
            (r"^features\.([6-9]|1[1-7]|19|2[01])\.branch3\.", r"features.\1.0."),  # the pooling comes first in ours
        ),
    },
}
OFFICIAL = {
    "AlexNet": ("alexnet",),
    "DarkNet": ("darknet",),
    "DenseNet": ("densenet",),
    "DPN": ("dpn",),
    "EfficientNet": ("efficientnet",),
    "GoogLeNet": ("googlenet",),
    "InceptionV4": ("inception_v4",),
    "MobileNetV1": ("mobilenet_v1",),
    "MobileNetV2": ("mobilenet_v2",),
    "MobileNetV3": ("mobilenet_v3",),
    "ResNet": ("resnet", "resnet_vc"),
    "ResNeXt": ("resnext", "resnext_wsl"),
    "ShuffleNetV2": ("shufflenet_v2",),
    "SqueezeNet": ("squeezenet",),
    "VGG": ("vgg",),
    "Xception": ("xception",),
    "XceptionDeepLab": ("xception_deeplab",),
}
KITS = {"paddledetection": official_detectors, "paddleseg": official_segmentors}
DETECTORS = (
    frozenset(detector_names.TORCHVISION) | frozenset(official_detectors.NETWORKS) | {"LandmarkDetector", "BlazePose"}
)
TUNE = "fine-tune before you trust the predictions"
SETTINGS = "the model also needs the settings that pretrained.csv has for the published weights of this network"
NOTES = {
    (
        "torchvision",
        "SqueezeNet",
    ): f"torchvision pads the first convolution and rounds in its poolings otherwise: {TUNE}",
    ("timm", "EfficientNet"): "right for the tf_efficientnet files; the others pad otherwise and have another epsilon",
    ("timm", "DarkNet"): f"timm's activation is a leaky ReLU of slope 0.01, ours another: {TUNE}",
    ("timm", "MobileNetV1"): f"timm's activation is ReLU6, ours ReLU: {TUNE}",
    ("timm", "XceptionDeepLab"): f"timm does not dilate the last block, ours does: {TUNE}",
    **{("torchvision", name): note for name, note in detector_names.NOTES.items()},
}


class ForeignNames:
    """The renaming of a weight file that another program wrote for a network of this kit.

    Args:
        source (str): one of FAMILIES, paddleclas, paddledetection or paddleseg.
        network (str): the class of our backbone, detector or head of segmentation; see :meth:`network_of`.
        names (list[str]): of the arrays in the file.

    Raises:
        ConfigError: there is no such source, it has no such network, or the names are not those of this network.
    """

    def __init__(self, source, network, names):
        self.order = choose_order(self.check(source, network), names)
        self.note = SETTINGS if source in KITS else NOTES.get((source, network), "")

    @staticmethod
    def network_of(config):
        """The network of a configuration (str): a class.

        That of a detector with names here, of the head of a segmentation model, or of the encoder of a text
        recognizer; otherwise that of the backbone.
        """
        whole = config.get("model.type", None)
        if whole == "Segmentor":
            return config.get("model.head.type", None)
        if whole == "TextRecognizer":
            return config.get("model.encoder.type", None)
        return whole if whole in DETECTORS else config.get("model.backbone.type", None)

    @staticmethod
    def check(source, network):
        """The families of names (list[NameOrder]) that this source has for this network.

        Raises:
            ConfigError: no order exists for it.
        """
        official = {n: [official_names.FAMILIES[f] for f in families] for n, families in OFFICIAL.items()}
        sources = {name: {n: [order] for n, order in known.items()} for name, known in FAMILIES.items()}
        sources["paddleclas"] = official
        for name, kit in KITS.items():
            sources[name] = {n: [kit.FAMILIES[f] for f in families] for n, families in kit.NETWORKS.items()}
        if source not in sources:
            hint = did_you_mean(source, sources) or f"; there are {', '.join(sources)}"
            raise ConfigError(f"there is no source '{source}'{hint}")
        if network not in sources[source]:
            raise ConfigError(
                f"the names that {source} gives to a {network} are not known, or its network is another one\n"
                f"  known are {', '.join(sorted(sources[source]))}"
            )
        return sources[source][network]


def choose_order(orders, names):
    """The first of these orders (list[NameOrder]) that knows the words of all names.

    Raises:
        ConfigError: no order exists for it.
    """
    problem = None
    for order in orders:
        try:
            order.sort_names(dict.fromkeys(names, 0))
        except ConfigError as error:
            problem = problem or error
        else:
            return order
    raise problem
