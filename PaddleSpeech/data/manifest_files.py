"""Writing manifests of recordings."""

import json
import os
from pathlib import Path

from common.audio.reading import read_header


def write_audio_manifest(path, rows):
    """Writes a manifest for AudioManifest; the durations are read from the audio files.

    Args:
        path (Path): the manifest; its folder is created if missing, and paths are written relative to it.
        rows (list[dict]): `path`, `text`, and optionally `speaker`.

    Returns:
        float: the total duration in seconds.

    Raises:
        BadSample: a file is not a valid recording.
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
