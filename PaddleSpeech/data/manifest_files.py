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
        duration = read_header(str(row["path"])).seconds
        speaker = {key: row[key] for key in ("speaker",) if key in row}
        lines.append(manifest_line(row["path"], row["text"], duration, path.parent, **speaker))
        seconds += duration
    path.write_text("".join(lines), encoding="utf-8")
    return seconds


def manifest_line(path, text, duration, folder, **more):
    """A line of a manifest in a folder; the path is written relative to it.

    Args:
        path (Path): the recording.
        text (str): its transcript.
        duration (float): in seconds.
        folder (Path): the folder of the manifest.
        **more (str): other keys.
    """
    name = Path(os.path.relpath(Path(path).resolve(), Path(folder).resolve())).as_posix()
    entry = {"audio_filepath": name, "duration": round(duration, 4), "text": text, **more}
    return json.dumps(entry, ensure_ascii=False) + "\n"
