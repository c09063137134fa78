"""The score threshold of predictions: that of the configuration, else that of maximum F1 in the training's evaluation.

A checkpoint whose weights were evaluated has `thresholds.json`: the thresholds of maximum F1, over all classes and of
each. The first becomes the threshold of a task whose `threshold` is None, in memory and in infer.yml.
"""

import json

from common.build.learned_files import folder_of
from common.build.model import weights_of
from common.config.build import complete_task
from common.inference.task import check_threshold, task_of
from common.weights import checkpoint
from common.weights.manifest import CheckpointError, read_checked, read_manifest
from common.weights.published import find_published

FILE = "thresholds.json"


def threshold_file(thresholds):
    """The file of a checkpoint, {name: bytes}; `thresholds` see :func:`common.inference.scored.best_thresholds`."""
    return {FILE: json.dumps(thresholds, indent=1, ensure_ascii=False).encode()}


def read_thresholds(config):
    """The contents of `thresholds.json` beside the weights of a configuration, or None.

    Raises:
        CheckpointError: the file is damaged.
    """
    weights = weights_of(config)
    if not weights or find_published(config.kit, weights) or checkpoint.named_weights(weights) is not None:
        return None
    folder = folder_of(weights)
    if not (folder / FILE).is_file():
        return None
    content = read_checked(folder, FILE, read_manifest(folder)["files"])
    try:
        found = json.loads(content)
        check_threshold(found["overall"]["threshold"])
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{folder / FILE}: damaged ({type(error).__name__}: {error})") from None
    return found


def chosen_task(config, model):
    """The task of a configuration with the threshold that its weights suggest, and the source of the threshold.

    Args:
        config (Config): checked; names the weights.
        model (nn.Layer): built of it.

    Returns:
        tuple[Task, str | None]: see :func:`set_best_threshold`.
    """
    task = task_of(config, model)
    return task, set_best_threshold(task, config, read_thresholds(config))


def set_best_threshold(task, config, thresholds):
    """Sets the threshold of a task to that of maximum F1, unless the configuration sets one.

    Args:
        task (Task): of the configuration.
        config (Config): checked.
        thresholds (dict | None): see :func:`read_thresholds`.

    Returns:
        str | None: the source of the threshold; None for a task that does not use thresholds of maximum F1.
    """
    arguments = complete_task(config, task.name)
    if "threshold" not in arguments:
        return None
    if config.get("postprocess.threshold", None) is not None:
        return config.place("postprocess.threshold")
    if arguments["threshold"] is not None:
        return None
    if not thresholds:
        return f"the default of {task.name}"
    best = thresholds["overall"]
    task.threshold = best["threshold"]
    return f"maximum F1 {best['F1']:.4f} in the evaluation of training"
