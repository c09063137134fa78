"""The weights of other programs under the names of the model of a configuration, see `ForeignNames` of a kit."""

from common.errors import ConfigError
from common.log import logger
from common.weights.pretrained import widen_bfloat16


def foreign_names(config, source):
    """(the kit's ForeignNames, the network of the configuration), for a naming scheme that is known for it.

    Args:
        config (Config): of the model.
        source (str): the naming scheme, such as torchvision.

    Raises:
        ConfigError: the kit knows no foreign names, or not these for this network.
    """
    if config.namespace.find("ForeignNames") is None:
        raise ConfigError(f"{config.kit.name} does not support foreign weights")
    names = config.namespace.resolve("ForeignNames")
    network = names.network_of(config)
    names.check(source, network)
    return names, network


def rename_foreign(config, source, arrays):
    """The arrays of another program under the names of the model, in float32: name -> array.

    Args:
        config (Config): of the model.
        source (str): the naming scheme, such as torchvision.
        arrays (dict): name -> array.

    Raises:
        ConfigError: names or shapes are not those of this network.
    """
    names, network = foreign_names(config, source)
    arrays = {name: as_float32(array) for name, array in arrays.items()}
    known = names(source, network, arrays)
    renamed = known.order.rename(arrays, model_shapes(config, known.order.count_classes(arrays)))
    if known.note:
        logger.warning("%s", known.note)
    return renamed


def as_float32(array):
    """Converts arrays of any floating-point type to float32; others are unchanged."""
    array = widen_bfloat16(array)
    return array.astype("float32") if array.dtype.kind == "f" else array


def model_shapes(config, classes):
    """The arrays of the configuration's model with this number of classes: name -> shape, in order.

    Layers that exist in training only are left out: files of other programs are made for inference.
    """
    from common.build.training_only import split_arrays
    from common.system import runtime

    runtime.prepare()
    import paddle

    with paddle.LazyGuard(), paddle.utils.unique_name.guard():
        model = config.build("model", labels=[str(number) for number in range(classes)], num_classes=classes)
    return {name: tuple(value.shape) for name, value in split_arrays(model, model.state_dict())[0].items()}
