"""A trained model that another one learns from: built from a configuration and a checkpoint of its own."""

from common.build.model import build_model, load_weights, read_weights, saved_config
from common.config import load_config
from common.errors import ConfigError
from common.system import random_state


def load_teacher(config, weights, labels=None, default_kit=None):
    """The model on its weights, in evaluation mode and without gradients; no random number of the student is used up.

    Args:
        config (str): its configuration.
        weights (str): its checkpoint.
        labels (list[str] | None): the classes of the student, which must be its own too; None for data without any.
        default_kit (Path | None): of a configuration that is in no kit.

    Raises:
        ConfigError: the checkpoint does not fit its configuration, or knows other classes than the student.
        CheckpointError: it is damaged.
    """
    state = random_state.collect()
    config = load_config(config, [f"weights={weights}"], default_kit=default_kit)
    config.check()
    saved = saved_config(config)
    known = saved.get("labels") if saved else None
    if known is not None and labels is not None and list(known) != list(labels):
        raise ConfigError(f"the teacher {weights} knows {list(known)}, its student {list(labels)}")
    arrays = read_weights(config)
    model = build_model(config, labels)
    load_weights(model, arrays, config)
    model.eval()
    for parameter in model.parameters():
        parameter.stop_gradient = True
    random_state.restore(state)
    return model
