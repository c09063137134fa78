"""Writes manifests of recordings."""

import json
import os
from pathlib import Path

from common.audio.reading import read_header


def write_audio_manifest(path, rows):
    """Writes a manifest, see `PaddleSpeech.data.audio_manifest`; the durations are read from the files.

    Args:
        path (Path): the manifest; its folder is made when missing, and the recordings are named relatively to it.
        rows (list[dict]): `path`, `text`, and perhaps `speaker`.

    Returns:
        float: seconds of all recordings.

    Raises:
        BadSample: a recording is none.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    seconds, lines = 0.0, []
    for row in rows:
        duration = round(read_header(str(row["path"])).seconds, 4)
        name = Path(os.path.relpath(Path(row["path"]).resolve(), path.parent.resolve())).as_posix()
        entry = {"audio_filepath": name, "duration": duration, "text": row["text"]}
        entry |= {key: row[key] for key in ("speaker",) if key in row}
        lines.append(json.dumps(entry, ensure_ascii=False) + "\n")
        seconds += duration
    path.write_text("".join(lines), encoding="utf-8")
    return seconds
