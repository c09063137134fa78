"""The keys of infer.yml: for the program, and for the transforms and the task, whose files are copied."""

import shutil

from common.build.learned_files import file_arguments
from common.config.build import complete_task
from common.files import find_file
from common.inference.exported import FORMAT, inference_split, limits_of, types_in
from common.inference.task import task_of
from common.inference.thresholds import set_best_threshold


def describe(model, config, labels, shapes, tolerance=1e-4):
    """The keys of infer.yml for the program itself.

    Args:
        model (nn.Layer): with `inputs` and `outputs`.
        config (Config): the checked configuration.
        labels (list[str] | None): class names.
        shapes (dict[str, list]): of the program's inputs.
        tolerance (float): the largest relative difference of an engine's outputs from the golden's.
    """
    called = getattr(model, "caller_inputs", model.inputs)
    return {
        "format": FORMAT,
        "name": config.name,
        "program": "model.json",
        "params": "model.pdiparams",
        "inputs": [{"name": n, "shape": shapes[n], "dtype": d} for n, (_, d) in called.items()],
        "outputs": list(model.outputs),
        "labels": None if labels is None else list(labels),
        "engine": config.settings("export").engine,
        "tolerance": tolerance,
        "size_multiple": getattr(model, "size_multiple", 1),
    } | ({} if config.get("category_ids") is None else {"category_ids": list(config.get("category_ids"))})


def processing(model, config, folder, thresholds=None):
    """Pre- and post-processing of an export, as infer.yml holds them; the files that they need are copied.

    Args:
        model (nn.Layer): with `task`.
        config (Config): the checked configuration; see :func:`common.inference.exported.inference_split`.
        folder (Path): of the export; a file that it carries is named relatively to it.
        thresholds (dict | None): of maximum F1, see `common.inference.thresholds`.

    Returns:
        dict: `task`, `postprocess`, `preprocess`, `threshold_from` where a threshold was chosen, `limits` where the
            reader of the training data cuts sequences, and `kit` with `kit_classes` where classes are the kit's own.
    """
    split, copied, completed = inference_split(config), {}, config.to_dict()
    transforms = completed["data"][split].get("transforms", []) if config.get(f"data.{split}") else []
    built = task_of(config, model)
    task, found = complete_task(config, built.name), {}
    source = set_best_threshold(built, config, thresholds)
    if source is not None:
        task["threshold"], found["threshold_from"] = built.threshold, source
    own = [*classes_of_kit(transforms, config.namespace), *classes_of_kit(task, config.namespace.tasks)]
    if own:
        found |= {"kit": completed["kit"], "kit_classes": own}
    task = carry_files(task, config.namespace.tasks, folder, copied)
    found |= {"task": task.pop("type"), "postprocess": task}
    if limits := limits_of(config):
        found["limits"] = limits
    return found | {"preprocess": carry_files(transforms, config.namespace, folder, copied)}


def classes_of_kit(value, namespace):
    """The types of the nodes in a value that are the kit's own (list[str])."""
    return [name for name in types_in(value) if namespace.find(name).file.is_relative_to(namespace.kit)]


def carry_files(value, namespace, folder, copied):
    """The value with its nodes' files, such as vocabularies, copied into the folder and named relatively to it.

    Args:
        value (object): plain dicts, lists and scalars.
        namespace (Namespace): of the types.
        folder (Path): of the export.
        copied (dict[str, Path]): name in the folder -> the file that was copied there; added to.
    """
    if isinstance(value, list):
        return [carry_files(item, namespace, folder, copied) for item in value]
    if not isinstance(value, dict):
        return value
    found = {key: carry_files(item, namespace, folder, copied) for key, item in value.items()}
    for key in file_arguments(namespace.resolve(value["type"]), value) if "type" in value else ():
        source = find_file(value[key])
        name, number = source.name, 1
        while copied.get(name, source) != source or (name not in copied and (folder / name).exists()):
            name, number = f"{source.stem}_{number}{source.suffix}", number + 1
        if name not in copied:
            shutil.copyfile(source, folder / name)
        copied[name], found[key] = source, name
    return found
