"""What the server takes beside an image or a recording: boxes of people, and recordings for a model of pieces.

test_cpp_goldens.py, which exports every tiny twin, sees that the server answers with each as Python does.
"""

import base64
import json

import numpy as np
import pytest

from common.build.data import build_transforms, given_classes
from common.export.write import export
from common.inference.given import as_sample
from common.inference.predictor import ModelInMemory, Predictor
from common.inference.run import predict_one
from common.inference.speech_stream import SpeechStream
from common.inference.task import task_of
from deploy.serving.inputs import from_object
from deploy.serving.problems import Limits, Problem
from deploy.serving.worker import describe
from tests.deploy.served import ask, input_of, png, wav
from tests.deploy.test_cpp_goldens import built_twin
from tools import zoo


@pytest.fixture(scope="module")
def pose(made_sets):
    """A model of keypoints."""
    row = next(row for row in zoo.read_zoo() if row["tiny"].endswith("pose_resnet.yml"))
    config, labels, model = built_twin(row, made_sets)
    found = ModelInMemory(
        model, build_transforms(config, "eval", **given_classes(labels)), labels, task_of(config, model)
    )
    found.outputs = model.outputs
    return found


def test_people_are_sought_in_the_boxes_of_a_request(pose):
    sent, image = input_of(pose)
    boxes = [[10.0, 5.0, 60.0, 110.0], [80.0, 20.0, 150.0, 100.0]]
    found = [{"box": box, "score": score} for box, score in zip(boxes, (1.0, 0.5))]
    sample = as_sample(pose.task, image)
    expected = json.loads(json.dumps(predict_one(pose, sample | {"found": found})[1]))
    alone = json.loads(json.dumps(predict_one(pose, sample)[1]))
    assert len(expected) == 2 and expected[0]["box"] != alone[0]["box"]
    of_detector = [
        {"box": boxes[0], "label": "person"},
        {"box": boxes[1], "score": 0.5},
        {"box": boxes[0], "label": "dog"},
    ]
    answers = ask(pose, {"images": [sent, sent, sent], "boxes": [of_detector, [], [boxes[0]]]})
    assert answers == [expected, [], expected[:1]]
    assert ask(pose, {"image": sent, "boxes": of_detector}) == [expected]
    assert ask(pose, {"image": sent}) == [alone]


@pytest.mark.parametrize(
    ("more", "status", "said"),
    [
        ({"boxes": 3}, 422, "boxes is a list"),
        ({"boxes": [[1, 2, 3]]}, 422, "image 1: .* is no box"),
        ({"boxes": [[5, 5, 1, 9]]}, 422, "is no box"),
        ({"boxes": [{"score": 1}]}, 422, "is no box"),
        ({"boxes": [[0, 0, 1, 1]] * 51}, 413, "51 boxes; 50 are allowed"),
        ({"box": []}, 422, "boxes and threshold"),
    ],
)
def test_boxes_that_are_none_are_refused(more, status, said, pose):
    with pytest.raises(Problem, match=said) as caught:
        ask(pose, {"image": png(np.zeros((8, 8, 3), np.uint8)), **more})
    assert caught.value.status == status


def test_a_box_outside_of_its_image_is_refused_by_itself(pose):
    image, inside = png(np.zeros((8, 8, 3), np.uint8)), [0, 0, 4, 4]
    good, (status, said) = ask(pose, {"images": [image, image], "boxes": [[inside], [inside, [8, 0, 12.5, 4]]]})
    assert len(good) == 1 and status == 422
    assert "[8, 0, 12.5, 4] lies outside of its image of 8x8 pixels; boxes of another size of the image may" in said


def test_boxes_are_for_models_of_keypoints_only():
    with pytest.raises(Problem, match="one of image, images, inputs, and threshold"):
        from_object({"image": "", "boxes": []}, 0.5, {"input": "image", "boxes": False}, Limits())


def test_a_recording_is_answered_by_a_model_that_takes_it_in_pieces(made_sets, tmp_path):
    from PaddleSpeech.tools.export_chunks import golden_chunk, recognizer_of

    row = next(row for row in zoo.read_zoo() if row["tiny"].endswith("deepspeech2_streaming.yml"))
    config, labels, model = built_twin(row, made_sets)
    chunks = recognizer_of(model, config)
    export(chunks, config, labels, golden_chunk(chunks), tmp_path / "export")
    model = Predictor(tmp_path / "export")
    data, samples = wav()
    stream = SpeechStream(Predictor(tmp_path / "export"))
    stream.feed(model.decode({"path": "a", "audio": samples, "rate": 16000})["audio"])
    text = stream.finish()
    sent = base64.b64encode(data).decode()
    assert describe(model)["input"] == "audio" and text
    assert ask(model, {"audios": [sent, sent]}) == [[{"text": text}]] * 2
