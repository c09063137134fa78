"""The hierarchy of classes of Open Images: a tree in JSON, in which a node has a LabelName and maybe Subcategory."""

import os

from common.data.issues import IssueList, data_error
from common.errors import DataError
from common.files import parse_json, read_lines


def read_hierarchy(path, number_of, names):
    """The numbers of the classes above each class, ascending (list[list[int]]); classes that are not used are left out.

    A class that the tree does not have has none above it; one with several places has those above each of them.

    Args:
        path (str): the JSON file.
        number_of (dict[str, int]): code -> number of the classes that are used.
        names (dict[str, str]): code -> name of all classes.

    Raises:
        DataError: the file cannot be read, is no such tree, or has none of the classes.
    """
    path = os.path.normpath(path)
    issues, above = IssueList(path), [set() for _ in number_of]
    seen, waiting = set(), [(read_json(path, issues), ())]
    while waiting:
        node, before = waiting.pop()
        code = node.get("LabelName") if isinstance(node, dict) else None
        children = node.get("Subcategory", []) if code is not None else []
        if not isinstance(code, str) or not isinstance(children, list):
            issues.error("D113", "a node has no LabelName, or a Subcategory that is no list", value=str(node)[:80])
            break
        if code in before:
            issues.error("D115", "a class is above itself", value=names.get(code, code))
            break
        seen.add(code)
        if code in number_of:
            above[number_of[code]] |= {number_of[other] for other in before if other in number_of}
        waiting += [(child, (*before, code)) for child in children]
    if not issues.errors and not seen & set(number_of):
        issues.error("D109", "has none of the classes", fix="take the hierarchy of the same version of the dataset")
    if issues.errors:
        raise data_error(issues.errors)
    return [sorted(numbers) for numbers in above]


def read_json(path, issues):
    """The content of a JSON file; raises DataError."""
    try:
        return parse_json("\n".join(read_lines(path)))
    except DataError as error:
        raise error from None
    except (ValueError, RecursionError) as error:
        issues.error("D112", f"is not JSON: {error}"[:120])
        raise data_error(issues.errors) from None
