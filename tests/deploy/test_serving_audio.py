"""Recordings sent to the server: what is answered, and what is refused before it is decoded."""

import base64
import io
import json

import numpy as np
import pytest
import soundfile

from common.inference.predictor import Predictor
from deploy.serving.items import audio
from deploy.serving.problems import Limits, Problem
from deploy.serving.worker import describe, predict_items
from tests.deploy.serving_process import serving
from tests.made.speech_kit import make_speech_kit


@pytest.fixture(scope="module")
def exported(made_sets, tmp_path_factory):
    """A speech model, exported."""
    kit = make_speech_kit(tmp_path_factory.mktemp("served") / "ServedSpeech", made_sets.folder("spoken_tones"))
    return kit / "output/counter/export"


@pytest.fixture(scope="module")
def recording(made_sets):
    return (made_sets.folder("spoken_tones") / "wav/eval_0001.wav").read_bytes()


def encode(wave, kind="WAV", rate=8000):
    file = io.BytesIO()
    soundfile.write(file, wave, rate, format=kind)
    return file.getvalue()


def test_each_recording_is_answered_for_itself(exported, recording):
    model = Predictor(exported)
    assert describe(model)["input"] == "audio"
    hour, short = encode(np.zeros(8000 * 3600, np.int16), "FLAC"), encode(np.zeros(100))
    bodies = [recording, hour, recording[:-100], short, recording, b"fLaC" + b"x" * 50]
    found = predict_items(model, [audio(data, f"audio {n}", 0.0, Limits()) for n, data in enumerate(bodies)])
    assert [status for status, _ in found] == [200, 422, 422, 422, 200, 422]
    assert found[0] == found[4] and json.loads(found[0][1])[0].keys() == {"text", "score"}
    said = [text for _, text in found]
    assert "[D145] audio 1: 3600.0 s long, the maximum is 60 s" in said[1] and "[D141] audio 2: truncated" in said[2]
    assert "[D145] audio 3" in said[3] and "[D140] audio 5:" in said[5]
    assert json.loads(predict_items(model, [audio(recording, "audio", 1.0, Limits())])[0][1]) == []


@pytest.mark.parametrize("data, status", [(b"", 422), (b"\x89PNG\r\n", 415), (b"<html>", 415)])
def test_what_is_not_audio_is_refused_by_its_first_bytes(data, status):
    with pytest.raises(Problem) as error:
        audio(data, "audio 1", 0.0, Limits())
    assert error.value.status == status


def test_the_server_takes_recordings_in_every_form(exported, recording):
    with serving(f"heard={exported}") as server:
        path, text = "/v1/models/heard:predict", base64.b64encode(recording).decode()
        form = (
            b'--x\r\nContent-Disposition: form-data; name="%s"; filename="a.wav"\r\n\r\n' + recording + b"\r\n--x--\r\n"
        )
        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        replies = [
            server.ask(path, recording, headers={"Content-Type": "audio/wav"}),
            server.ask(path, recording, headers={"Content-Type": "application/octet-stream"}),
            server.ask(path, form.replace(b"%s", b"audio"), headers=kind),
            server.ask(path, {"audio": text}),
            server.ask(path, {"audios": [text]}),
        ]
        assert [reply.status for reply in replies] == [200] * 5, [reply.body for reply in replies]
        first, *rest = [reply.json["predictions"] for reply in replies]
        assert all(one == first for one in rest) and len(first[0]) == 1
        server.ask(path, form.replace(b"%s", b"image"), headers=kind).refused(422, "files named audio")
        server.ask(path, recording, headers={"Content-Type": "image/png"}).refused(415, "audio/*")
        server.ask(path, {"image": text}).refused(422, "audio, audios, inputs")
        server.ask(path, {"audio": "?"}).refused(400, "audio 1 is not base64")
        server.ask(path, recording[:-50], headers={"Content-Type": "audio/wav"}).refused(422, "D141")
        assert server.ask("/v1/models/heard").json["input"] == "audio"
