"""Scalars of annotation files in other spellings, and a comparison of what a reader makes of them."""

import copy

from common.errors import DataError


def spellings(value):
    """A scalar as other programs write it, and as something else."""
    others = [None, [value], {"value": value}, str(value), f" {value} ", True, "", "nan", 10**400]
    if isinstance(value, int | float):
        others += [-value, float(value), f"{float(value)}", f"{value:e}", str(value).replace("1", "1_0", 1)]
    else:
        others += [value.upper(), f"{value}\t", 17]
    return [other for other in others if type(other) is not type(value) or other != value]


def scalars(tree, path=()):
    """The paths of all scalars inside dicts and lists."""
    if isinstance(tree, dict | list):
        inner = tree.items() if isinstance(tree, dict) else enumerate(tree)
        return [found for key, value in inner for found in scalars(value, (*path, key))]
    return [path]


def replaced(tree, path, value):
    """A copy of a tree with another value at a path."""
    tree = copy.deepcopy(tree)
    at = tree
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return tree


def contents(dataset):
    """All that a dataset of boxes or keypoints has read, as plain values."""
    images = [{key: image[key] for key in ("id", "path", "width", "height")} for image in dataset.images]
    if hasattr(dataset, "people"):
        people = {name: value.tolist() for name, value in vars(dataset.people).items() if name != "head"}
        return [dataset.labels, images, people, dataset.rows.tolist()]
    boxes = {name: None if value is None else value.tolist() for name, value in vars(dataset.boxes).items()}
    return [dataset.labels, dataset.category_ids, images, boxes, dataset.clipped.tolist()]


def is_read_or_reported(construct, expected, name):
    """True if a dataset has the expected contents, or an error or a warning that names the file and a place."""
    try:
        dataset = construct()
    except DataError as error:
        return all(issue.message and name in f"{issue.file} {issue.place}" for issue in error.issues)
    return contents(dataset) == expected or any(name in f"{i.file} {i.place}" and i.message for i in dataset.issues)
