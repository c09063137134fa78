"""Issues of a dataset are settled: errors are raised, or their samples are left out with a warning."""

import json

import pytest

from common.data.issues import IssueList, every_occurrence, settle, write_issues
from common.errors import DataError


def issues(*images):
    found = IssueList("a.json")
    found.warn("D107", "is odd", count=3)
    for image in images:
        found.error("D106", "is bad", image=image)
    return found


def test_errors_are_raised_or_become_warnings_of_the_samples_that_are_left_out(caplog):
    with pytest.raises(DataError, match="is bad"):
        settle(issues(2), "error", 50)
    found = settle(issues(2), "skip", 50)
    assert [(issue.severity, issue.message) for issue in found] == [
        ("warning", "image skipped: is bad"),
        ("warning", "is odd (3 times, first one shown)"),
    ]
    assert caplog.text.count("is odd") == 2  # a line a dataset


def test_errors_of_a_whole_file_too_many_errors_and_no_sample_are_never_skipped():
    for found, total in ((issues(None), 50), (issues(*range(9)), 50)):
        with pytest.raises(DataError, match="is bad"):
            settle(found, "skip", total)
    with pytest.raises(DataError, match="lists no image"):
        settle(issues(), "skip", 0)
    with pytest.raises(ValueError, match="'error' or 'skip', not 'drop'"):
        settle(issues(), "drop", 5)


def test_a_file_of_issues_has_every_occurrence_of_a_warning(tmp_path):
    with every_occurrence():
        found = IssueList("a.json")
        for number in range(3):
            found.warn("D107", "is odd", f"[{number}]", value=number)
    assert [issue.message for issue in found.all()] == ["is odd (3 times, first one shown)"]
    write_issues(tmp_path / "issues.jsonl", found.all())
    rows = [json.loads(line) for line in (tmp_path / "issues.jsonl").read_text().splitlines()]
    assert [(row["message"], row["place"], row["value"]) for row in rows] == [
        ("is odd", f"[{number}]", str(number)) for number in range(3)
    ]
    assert all("occurrences" not in row for row in rows)
