"""Teacher of knowledge distillation: a trained model with its own configuration and checkpoint."""

from common.build.learned_files import check_teacher_files
from common.build.model import build_model, known_labels, load_weights, read_configured_weights
from common.config import load_config
from common.errors import ConfigError
from common.system import random_state


def load_teacher(config, weights, labels=None, default_kit=None, student=None):
    """The teacher in evaluation mode without gradients; the random state of the student is unchanged.

    Args:
        config (str): configuration of the teacher.
        weights (str): checkpoint of the teacher.
        labels (list[str] | None): the classes of the student, which must be the same; None for data without classes.
        default_kit (Path | None): the kit of a configuration outside every kit.
        student (Config | None): of the student, whose vocabularies must be the teacher's.

    Raises:
        ConfigError: the checkpoint does not fit its configuration, or has other classes or files than its student.
        CheckpointError: the checkpoint is damaged.
    """
    state = random_state.collect()
    config = load_config(config, [f"weights={weights}"], default_kit=default_kit)
    config.check()
    known = known_labels(config, weights)[1]
    if known is not None and labels is not None and known != list(labels):
        raise ConfigError(f"the teacher {weights} has the classes {known}, its student {list(labels)}")
    if student is not None:
        check_teacher_files(config, student)
    arrays = read_configured_weights(config)
    model = build_model(config, labels)
    load_weights(model, arrays, config)
    model.eval()
    for parameter in model.parameters():
        parameter.stop_gradient = True
    random_state.restore(state)
    return model
