"""Class names of a dataset: a list, or a file with one name a line."""

import os

from common.data.issues import IssueList, data_error


def read_labels(labels, root):
    """The class names: a list as given, or the lines of a file (in `root`, or as given).

    Raises:
        DataError: D104 if the file cannot be read, D118 for a blank line among the names, D115 for duplicates.
        ValueError: the list has a duplicate name.
    """
    if labels is None or not isinstance(labels, str):
        if labels and len(set(labels)) < len(labels):
            raise ValueError(f"labels has {max(labels, key=list(labels).count)!r} twice; classes need different names")
        return None if labels is None else list(labels)
    path = os.path.join(root, labels)
    if not os.path.exists(path) and os.path.exists(labels):
        path = labels
    issues = IssueList(path)
    try:
        with open(path, encoding="utf-8-sig") as file:
            names = [line.strip() for line in file.read().rstrip().splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        issues.error(
            "D104",
            f"list of labels cannot be read: {getattr(error, 'strerror', None) or error}",
            fix="one class name a line, UTF-8",
        )
        raise data_error(issues.errors) from None
    for number, name in enumerate(names, 1):
        if not name:
            fix = "remove the line, or name its class"
            issues.error("D118", "the line is blank, and the number of a line is its class", f"line {number}", fix=fix)
    for name in sorted({name for name in names if name and names.count(name) > 1}):
        issues.error("D115", "label appears twice", value=name)
    if issues.errors:
        raise data_error(issues.errors)
    return names
