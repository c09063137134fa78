"""Tests of what a script reports to the search that runs it."""

import pytest

from common.system.trial import SCORE_FILE, read_reported_score, report_final_result


def test_a_score_is_reported_to_the_file_of_the_trial(tmp_path, monkeypatch):
    path = tmp_path / "score.json"
    report_final_result(0.5)  # outside a search
    monkeypatch.setenv(SCORE_FILE, str(path))
    for score in (0.25, -1e-9, float("inf")):
        report_final_result(score)
        assert read_reported_score(path) == score
    with pytest.raises((TypeError, ValueError)):
        report_final_result("good")
    path.write_text("0.9 or so")
    assert read_reported_score(path) is None and read_reported_score(tmp_path / "none") is None
