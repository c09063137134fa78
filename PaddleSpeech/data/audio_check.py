"""Validation of the audio files of a manifest: their headers, or every sample of them."""

from pathlib import Path

import numpy as np

from common.audio.decode import check_duration
from common.audio.reading import decode_audio, read_header
from common.data.issues import IssueList, cache_issues
from common.errors import BadSample

CLIPPED = 0.01  # of the samples at full scale
SILENT = 1e-4  # 80 decibels below full scale, the loudest sample
MAX_ERRORS = 100  # a manifest with more errors is wrong as a whole


class CheckedRecordings:
    """Base of readers of recordings that a file lists: `source`, `samples`, `problems` of its lines, and `paths()`."""

    def check(self, deep=False, cache=None):
        """Validates the list and the headers of its recordings.

        Args:
            deep (bool): whether to decode everything, to find non-finite samples, silence and clipping.
            cache (str | None): a folder that keeps the result until a file changes.

        Returns:
            list[DataIssue]: errors first.
        """
        if deep:
            return self.problems.all() + find_issues(self.source, self.samples, deep=True)
        files = [self.source, *sorted(set(self.paths()))]
        found = cache_issues(cache, Path(self.source).stem, files, lambda: find_issues(self.source, self.samples))
        return self.problems.all() + found


def find_issues(manifest, samples, deep=False):
    """The issues of the audio files (list[DataIssue]), errors first.

    Args:
        manifest (str): its path, for messages.
        samples (list[dict]): `path`, `place`, `duration`, and optionally `start`.
        deep (bool): whether to decode everything, to find non-finite samples, silence and clipping.
    """
    issues, headers = IssueList(manifest), {}
    for index, sample in enumerate(samples):
        path = sample["path"]
        try:
            header = headers[path] = headers.get(path) or read_header(path)
            check_duration(sample, header.seconds)
            if deep:
                part = {"start": sample["start"], "seconds": sample["duration"]} if "start" in sample else {}
                flaw = flaw_of(decode_audio(path, **part)[0])
                if flaw:
                    issues.warn("D146", flaw, sample["place"], path)
        except BadSample as error:
            issue = error.issue
            issues.error(issue.code, f"{path}: {issue.message}", sample["place"], issue.value, issue.fix, image=index)
            if len(issues.errors) == MAX_ERRORS:
                break
    rates = sorted({header.rate for header in headers.values()})
    if len(rates) > 1:
        shown = ", ".join(map(str, rates))
        issues.warn("D143", f"the sample rates are {shown} Hz; all recordings are resampled to the rate of DecodeAudio")
    return issues.all()


def flaw_of(audio):
    """A warning about valid samples [S]: silence, a constant or clipping; an empty string for none."""
    loudest, middle = float(np.abs(audio).max()), float(audio.mean())
    if float(np.abs(audio - middle).max()) < SILENT:
        return "silent throughout" if loudest < SILENT else "constant throughout"
    if float((np.abs(audio) >= 0.999).mean()) > CLIPPED:
        return f"clipped: over {CLIPPED:.0%} of the samples are at full scale"
    return ""
