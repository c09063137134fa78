"""What tests ask the server of a model in this process, and the same of Python."""

import asyncio
import base64
import io
import json
import tempfile
import wave
from pathlib import Path

import numpy as np
from PIL import Image
from starlette.requests import Request

from common.inference.given import as_sample
from common.inference.rows import needed_columns
from common.inference.run import predict_one
from common.inference.synthetic import synthetic_audio, synthetic_image, synthetic_video
from common.vision.video import VideoFile
from deploy.serving.inputs import KEYS, read_items
from deploy.serving.problems import Limits
from deploy.serving.worker import describe, predict_items
from PaddleCV.tools.make_actions import write_video

LINE = "the quick brown fox 敏捷的棕色狐狸"
PAIRS = {"PairIds", "TurnIds", "KnowledgeIds", "QuestionTokens", "QuestionWindows"}  # transforms that read two texts
NUMBERS = {"longitude", "latitude", "size", "age"}
IDS = {"history_groups": "g3 g1", "group": "g4", "item": "i10"}  # columns of rows; of others two items


def wav():
    """Two seconds of sound as a file, and its samples as they are read from it."""
    numbers = np.round(synthetic_audio()["audio"] * 32767).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16000)
        out.writeframes(numbers.tobytes())
    return file.getvalue(), numbers.astype(np.float32) / 32768


def png(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def input_of(model):
    """(what the server is sent, what Python is given) for a model."""
    kind = model.task.input
    transforms = {type(transform).__name__ for transform in model.pipeline.transforms}
    if "DecodeLabelMap" in transforms:
        path = model.folder.parent / "label_map.png"
        Image.fromarray(np.ones((120, 160), np.uint8)).save(path)
        return base64.b64encode(path.read_bytes()).decode(), str(path)
    if kind == "image":
        image = np.ascontiguousarray(synthetic_image()["image"][:120, :160])
        return png(image), image
    if kind == "audio":
        data, samples = wav()
        return base64.b64encode(data).decode(), (samples, 16000)
    if kind == "video":
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "made.mp4"
            write_video(path, synthetic_video()["clip"], 8)
            data = path.read_bytes()
        with VideoFile(data, "made.mp4") as video:
            frames = np.stack(list(video))
        sent = base64.b64encode(data).decode()
        return sent, {"video": frames, "box": [100.0, 70.0, 50.0, 40.0]} if model.task.sequential else frames
    if kind == "features":
        arrays = {key: value for key, value in model.task.synthetic(model.inputs).items() if key != "path"}
        file = io.BytesIO()
        np.savez(file, **arrays)
        return base64.b64encode(file.getvalue()).decode(), arrays
    if kind == "points":
        points, file = model.task.synthetic(model.inputs)["points"], io.BytesIO()
        np.save(file, points)
        return base64.b64encode(file.getvalue()).decode(), points
    if kind == "text":
        line = f"what jumps?\t{LINE}" if PAIRS & transforms else LINE
        line = ("3, 7" if "label" in model.inputs else "7") if model.task.name == "ImageFromNoise" else line
        line = line.replace("quick", model.task.mask) if model.task.name == "FillMask" else line
        return line, line
    if kind == "tensors":
        arrays = {name: np.ones([1, *shape[1:]], dtype) for name, (shape, dtype) in model.inputs.items()}
        return {name: array.tolist() for name, array in arrays.items()}, arrays
    row = {name: "0.5" if name in NUMBERS else IDS.get(name, "i3 i1") for name in needed_columns(model)}
    row |= {name: "3" for name in row if name[0] in "IC" and name[1:].isdigit()}
    row |= {"slots": [[901, 101], [4786], [4016], [2185]]} if "slots" in row else {}
    return row, row


def ask(model, body):
    """The answers of the server to a body of JSON, one for each item: records, or a status and why."""
    request = Request({"type": "http", "query_string": b"", "headers": [(b"content-type", b"application/json")]})
    items = asyncio.run(read_items(request, json.dumps(body).encode(), describe(model), Limits()))
    found = predict_items(model, items)
    return [json.loads(text) if status == 200 else (status, text) for status, text in found]


def assert_arrays(found, expected):
    """Checks that the arrays that were answered are the rows of those of Python."""
    assert set(found) == set(expected)
    for name, array in expected.items():
        np.testing.assert_allclose(np.asarray(found[name]).reshape(array.shape), array, rtol=1e-6)


def assert_served(model):
    """Checks that a request is answered as Python predicts the same input.

    Args:
        model (Predictor): of an export.
    """
    sent, given = input_of(model)
    more = {"boxes": [[100, 70, 150, 110]]} if model.task.sequential else {}
    (found,) = ask(model, {KEYS[describe(model)["input"]][0]: sent, **more})
    if model.task.input == "tensors":
        assert_arrays(found[0], model.run(given))
    else:
        assert found == json.loads(json.dumps(predict_one(model, as_sample(model.task, given))[1]))
