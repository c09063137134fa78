"""The score that a script reports to the search that runs it (`hub autofinetune`)."""

import json
import os
from pathlib import Path

from common.log import logger

SCORE_FILE = "KIT_SCORE_FILE"  # the environment variable that names the file of the score


def report_final_result(score):
    """Reports the score of this trial, higher is better; the last one reported counts.

    Outside a search it is logged.  A program without this package writes the number itself to the file that the
    environment variable KIT_SCORE_FILE names.

    Args:
        score (float): any number; one that is not finite marks the trial as diverged.

    Raises:
        TypeError: the score is no number.
    """
    score = float(score)
    path = os.environ.get(SCORE_FILE)
    if not path:
        logger.info("final result: %g", score)
        return
    draft = Path(f"{path}.part")
    draft.write_text(json.dumps(score), encoding="utf-8")
    draft.replace(path)


def read_reported_score(path):
    """The number in the file of a score.

    Args:
        path (Path): the file.

    Returns:
        float | None: None if there is no file, or no number in it.
    """
    try:
        return float(path.read_text(encoding="utf-8", errors="replace")[:100])
    except (OSError, ValueError):
        return None
