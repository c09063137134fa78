"""Streaming: chunks give the output of the whole recording, in memory, exported, and by the command."""

import json

import numpy as np
import paddle
import pytest

from common.audio.features import MFCC, Features
from common.audio.reading import decode_audio
from common.errors import ConfigError
from common.inference.predictor import Predictor, run_engine
from common.inference.speech_stream import SpeechStream
from common.layers.ctc import CTCHead
from common.testing import load_program, save_program
from PaddleSpeech.models.assemblies.chunk_recognizer import ChunkRecognizer
from PaddleSpeech.models.blocks.row_convolution import RowConvolution
from PaddleSpeech.models.encoders.deepspeech2_encoder import DeepSpeech2Encoder
from PaddleSpeech.models.encoders.deepspeech2_streaming_encoder import DeepSpeech2StreamingEncoder
from PaddleSpeech.tools import export_chunks
from PaddleSpeech.tools import stream as stream_command
from PaddleSpeech.tools.make_spoken_tones import make_spoken_tones
from tests.made.commands import command

TWIN = "PaddleSpeech/configs/tiny/deepspeech2_streaming.yml"


def make_trained(*arguments):
    """An encoder in evaluation mode whose running statistics are not the initial ones."""
    paddle.seed(0)
    encoder = DeepSpeech2StreamingEncoder(13, 2, 8, *arguments)
    with paddle.no_grad():
        for _ in range(10):
            encoder(paddle.randn([3, 40, 13]) * 2 + 1, paddle.to_tensor([40, 30, 20]))
    encoder.eval()
    return encoder


def chunks_of(encoder, frames, sizes):
    """Chunks of these sizes in turn, the first as long as it must be: (start, end, whether it is the last)."""
    start, sizes = 0, [max(encoder.first_frames, sizes[0]), *sizes[1:], *sizes * frames]
    for size in sizes:
        end = min(frames, start + size)
        yield start, end, end == frames
        if end == frames:
            return
        start = end


def test_a_row_convolution_worked_out_by_hand():
    """Weights 1, 10, 100 of 1 2 3: 1 + 20 + 300, 2 + 30, 3."""
    layer = RowConvolution(1, 2)
    layer.weight.set_value(np.array([[1.0], [10.0], [100.0]], "float32"))
    assert layer(paddle.to_tensor([[[1.0], [2.0], [3.0]]])).numpy().ravel().tolist() == [321.0, 32.0, 3.0]


@pytest.mark.parametrize("sizes", [[2], [3, 5, 2], [30], [500], [7, 2, 2, 40]])
@pytest.mark.parametrize("arguments", [("gru", 2, 4, 2), ("gru", 0, 4, 3), ("rnn", 1, 4, 1)])
def test_chunks_of_any_size_give_the_output_of_the_whole(arguments, sizes):
    encoder = make_trained(*arguments)
    sizes = [max(size, encoder.time_stride) for size in sizes]
    for frames in (101, 100, 7, 1):
        x = paddle.randn([2, frames, 13])
        with paddle.no_grad():
            whole, _ = encoder(x, paddle.to_tensor([frames, frames]))
            kept, found = list(encoder.begin(2).values()), []
            for start, end, final in chunks_of(encoder, frames, sizes):
                out, *kept = encoder.chunk(x[:, start:end], paddle.to_tensor(int(final)), *kept)
                found.append(out)
        np.testing.assert_allclose(paddle.concat(found, 1).numpy(), whole.numpy(), atol=1e-5)


@pytest.mark.parametrize("cell", ["gru", "rnn"])
@pytest.mark.parametrize("onednn", [False, True])
def test_the_exported_program_carries_its_caches_from_chunk_to_chunk(cell, onednn, tmp_path):
    encoder = make_trained(cell, 2, 4)
    chunks = ChunkRecognizer(encoder, CTCHead(8, 5))
    chunks.eval()
    save_program(chunks, tmp_path / "model")
    engine = load_program(tmp_path / "model", onednn)
    x = np.random.default_rng(0).normal(size=(1, 90, 13)).astype("float32")
    with paddle.no_grad():
        whole = chunks.head(encoder(paddle.to_tensor(x), paddle.to_tensor([90]))[0])
        whole = paddle.nn.functional.softmax(whole).log().numpy()
    kept, found = {name: value.numpy() for name, value in encoder.begin().items()}, []
    for start, end, final in chunks_of(encoder, 90, [9, 4]):
        inputs = {"features": x[:, start:end], "final": np.array([final], "int64"), **kept}
        outputs = dict(zip(chunks.outputs, run_engine(engine, inputs), strict=True))
        kept = {name: outputs[f"next_{name}"] for name in kept}
        found.append(outputs["log_probs"])
    np.testing.assert_allclose(np.concatenate(found, 1), whole, atol=1e-5)


def test_a_bidirectional_encoder_cannot_stream():
    encoder = DeepSpeech2Encoder(13, 2, 8, channels=4)
    with pytest.raises(ValueError, match="DeepSpeech2Encoder cannot stream"):
        ChunkRecognizer(encoder, CTCHead(16, 5))


@pytest.fixture(scope="module")
def tones(tmp_path_factory):
    """The folder of a synthetic dataset."""
    folder = tmp_path_factory.mktemp("set") / "spoken_tones"
    make_spoken_tones(folder, train=48, evaluation=8)
    return folder


@pytest.fixture(scope="module")
def exported(tones, tmp_path_factory):
    """The folder of a run: both exports of a streaming twin that was trained a little."""
    folder = tmp_path_factory.mktemp("streaming")
    given = ["-c", TWIN, "-o", f"dataset={tones}", f"output_dir={folder}"]
    assert command("train", *given, "train.epochs=25").code == 0
    run = folder / "tiny/deepspeech2_streaming"
    for tool in ("export", export_chunks.main):
        answer = command(tool, *given, f"weights={run}/last")
        assert answer.code == 0, answer.err
    return run


@pytest.fixture(scope="module")
def recording(tones):
    """The longest recording of the set."""
    return max((tones / "wav").glob("*.wav"), key=lambda path: path.stat().st_size)


def test_a_stream_is_recognized_as_the_whole_recording(exported, recording):
    whole, stream = Predictor(exported / "export"), SpeechStream(Predictor(exported / "export_chunks"))
    rows = []
    stream.run = lambda *a, run=stream.run, **k: rows.append(run(*a, **k))
    sample = whole.pipeline.sample([{"path": str(recording)}], 0, 0)
    right = whole.run({"features": sample["features"][None], "feature_length": np.array([sample["feature_length"]])})
    audio, rate = decode_audio(str(recording))
    for seconds in (0.01, 0.2, 60.0):
        rows.clear()
        size = round(seconds * rate)
        for start in range(0, len(audio), size):
            stream.feed(audio[start : start + size])
        text = stream.finish()
        np.testing.assert_allclose(np.concatenate(rows), right["log_probs"][0], atol=1e-4)
        labels = whole.labels
        assert text == "".join(labels[k] for k in right["ids"][0] if k).replace("<space>", " ")
    assert text


def test_audio_shorter_than_a_frame_has_no_text(exported):
    stream = SpeechStream(Predictor(exported / "export_chunks"))
    assert stream.feed(np.zeros(3, "float32")) == "" and stream.finish() == ""


def test_the_command_prints_partial_texts_and_the_final_text(exported, recording):
    model = ["--model", exported / "export_chunks"]
    whole = command("infer", "--model", exported / "export", "--input", recording)
    text = whole.out.split("\t")[1].rstrip("\n")
    answer = command(stream_command.main, recording, *model, "--seconds", "0.1")
    assert answer.code == 0, answer.err
    *partial, final = answer.out.splitlines()
    assert final == text and partial and all(line.startswith("... ") for line in partial)
    audio = decode_audio(str(recording))[0]
    raw = np.round(audio * 32767).astype("<i2").tobytes()
    answer = command(stream_command.main, *model, "--json", stdin=raw)
    assert answer.code == 0, answer.err
    last = json.loads(answer.out.splitlines()[-1])
    assert last == {"text": text, "final": True}


def test_an_export_for_whole_recordings_is_refused(exported, recording):
    with pytest.raises(ConfigError, match="export_chunks"):
        SpeechStream(Predictor(exported / "export"))
    chunks = Predictor(exported / "export_chunks")
    (place,) = [k for k, one in enumerate(chunks.pipeline.transforms) if isinstance(one, Features)]
    chunks.pipeline.transforms[place] = MFCC()
    with pytest.raises(ConfigError, match="MFCC cannot be streamed"):
        SpeechStream(chunks)
    command(stream_command.main, recording, "--model", exported / "export").refused(2, "whole recordings")
