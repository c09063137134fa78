"""Audio decoding: supported formats, and specific errors for bad files."""

import io
import logging
import sys

import numpy as np
import pytest
import soundfile

from common.audio.decode import DecodeAudio
from common.audio.reading import decode_audio, read_header, resample
from common.audio.sources import Recordings
from common.audio.stream import audio_chunks
from common.data.transform import random_for
from common.errors import BadSample, ConfigError, EnvironmentProblem
from tests.common.audio.signals import tone, wav

RATE = 8000


def written(audio, kind="WAV", subtype=None, rate=RATE):
    """The bytes of an audio file."""
    file = io.BytesIO()
    soundfile.write(file, audio, rate, format=kind, subtype=subtype)
    return file.getvalue()


def refused(data, code, text, **options):
    """Asserts that audio is refused with an issue code and a message."""
    with pytest.raises(BadSample) as error:
        decode_audio(data, "a.wav", **options)
    assert error.value.issue.code == code and text in str(error.value) and error.value.issue.file == "a.wav"


@pytest.mark.parametrize(
    "kind, subtype, exact",
    [
        ("WAV", "PCM_16", 2**-15),
        ("WAV", "PCM_24", 2**-23),
        ("WAV", "PCM_U8", 2**-7),
        ("WAV", "FLOAT", 0),
        ("WAV", "DOUBLE", 0),
        ("WAVEX", "PCM_16", 2**-15),
        ("FLAC", "PCM_16", 2**-15),
        ("OGG", "VORBIS", 0.1),
        ("MP3", None, 0.1),
    ],
)
def test_every_common_format_is_decoded(kind, subtype, exact):
    audio = tone(440, RATE, 0.5)
    found, rate = decode_audio(written(audio, kind, subtype))
    assert rate == RATE and found.dtype == np.float32 and len(found) == len(audio)
    assert np.abs(found - audio).max() <= exact


def test_channels_are_averaged_or_one_is_selected(tmp_path):
    audio = wav(tmp_path / "a.wav", np.stack([tone(440, RATE), np.zeros(RATE)], 1), RATE)
    path = str(tmp_path / "a.wav")
    assert np.allclose(decode_audio(path)[0], audio[:, 0] / 2)
    assert np.array_equal(decode_audio(path, channel=1)[0], audio[:, 1])
    with pytest.raises(BadSample, match=r"D144.*has 2 channels.*there is no channel 2"):
        decode_audio(path, channel=2)


def test_the_channel_of_audio_in_memory_is_selected_as_that_of_a_file(tmp_path):
    wav(tmp_path / "a.wav", np.stack([tone(440, RATE), tone(300, RATE)], 1), RATE)
    path = str(tmp_path / "a.wav")
    (held,) = Recordings([(tmp_path / "a.wav").read_bytes()], name="-", many=False)
    for channel in ("mix", 0, 1):
        decode = DecodeAudio(RATE, channel=channel)
        read, given = decode({"path": path}, random_for(0)), decode(dict(held), random_for(0))
        assert np.array_equal(read["audio"], given["audio"])
        pieces = list(audio_chunks(path, 0.3, RATE, channel=channel))
        assert np.array_equal(np.concatenate(pieces), read["audio"])
    with pytest.raises(BadSample, match=r"D144.*there is no channel 2"):
        DecodeAudio(RATE, channel=2)(dict(held), random_for(0))


def test_a_segment_contains_the_requested_samples(tmp_path):
    audio = wav(tmp_path / "a.wav", tone(440, RATE), RATE)
    found, _ = decode_audio(str(tmp_path / "a.wav"), start=0.25, seconds=0.5)
    assert np.array_equal(found, audio[2000:6000])
    found, _ = decode_audio(str(tmp_path / "a.wav"), start=0.5, seconds=0.51)  # manifests round
    assert np.array_equal(found, audio[4000:])
    refused(written(audio), "D141", "the duration is 1.000 s, requested was 0.5 s to 1.1 s", start=0.5, seconds=0.6)


def test_files_in_other_formats_are_refused():
    refused(b"", "D140", "the file is empty (0 bytes)")
    refused(b"<html><body>404</body></html>", "D140", "not an audio file (starts with '<html><body>')")
    refused(written(np.zeros(0, np.float32)), "D140", "no audio samples")
    refused(b"RIFF\x24\x00\x00\x00WAVEjunk", "D140", "not an audio file")


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG"])
def test_a_truncated_file_is_refused(kind):
    data = written(tone(440, RATE, 2.0), kind)
    with pytest.raises(BadSample) as error:
        decode_audio(data[: len(data) * 2 // 3], "a.wav")
    assert error.value.issue.code in ("D140", "D141"), error.value


def test_a_truncated_wav_is_refused_with_both_sizes():
    data = written(tone(440, RATE), "WAV", "PCM_16")
    refused(data[:-1000], "D141", "the header announces 16000 bytes of audio, the file has 15000")


def test_a_wav_from_a_pipe_without_a_length_is_decoded():
    data = bytearray(written(tone(440, RATE), "WAV", "PCM_16"))
    data[40:44] = b"\xff\xff\xff\xff"
    assert len(decode_audio(bytes(data))[0]) == RATE


def test_a_flac_from_a_pipe_without_a_length_is_refused():
    data = bytearray(written(tone(440, RATE), "FLAC"))
    data[21] &= 0xF0  # the number of samples, 36 bits: unknown
    data[22:26] = bytes(4)
    refused(bytes(data), "D141", "the duration is missing in the header")


def test_samples_that_are_not_finite_are_refused():
    audio = tone(440, RATE)
    audio[100] = np.nan
    refused(written(audio, subtype="FLOAT"), "D142", "1 samples are not finite numbers, the first is number 100")
    audio[100] = np.inf
    refused(written(audio, subtype="FLOAT"), "D142", "not finite")
    refused(written(tone(440, RATE) * 20000, subtype="FLOAT"), "D142", "samples reach 1")


def test_floats_slightly_outside_the_range_are_clipped():
    found, _ = decode_audio(written(tone(440, RATE, amplitude=1.5), subtype="FLOAT"))
    assert found.max() == 1.0 and found.min() == -1.0


def test_too_many_channels_are_refused():
    refused(written(np.zeros((10, 1024), np.float32)), "D144", "1024 channels, the maximum is 32")


def test_damaged_bytes_are_read_or_refused_and_nothing_else(monkeypatch):
    rng, codes, printed = random_for(0), set(), []
    monkeypatch.setattr(sys, "unraisablehook", printed.append)
    for kind in ("WAV", "FLAC", "OGG", "AIFF"):
        data = written(tone(440, RATE, 0.5), kind)
        for _ in range(100):
            damaged = bytearray(data[: rng.integers(1, len(data) + 1)])
            for place in rng.integers(0, min(len(damaged), 200), rng.integers(0, 4)):
                damaged[place] = rng.integers(256)
            try:
                audio, _ = decode_audio(bytes(damaged), max_seconds=60, max_samples=2**22)
                assert np.isfinite(audio).all() and np.abs(audio).max(initial=0) <= 1
            except BadSample as error:
                codes.add(error.issue.code)
    assert codes <= {"D140", "D141", "D142", "D143", "D144", "D145"} and {"D140", "D141"} <= codes
    assert not printed


def test_a_long_recording_is_refused_from_its_header():
    data = written(np.zeros(RATE * 3600, np.int16), "FLAC")
    assert len(data) < 200_000
    refused(data, "D145", "3600.0 s long, the maximum is 60 s", max_seconds=60)
    assert read_header(data).seconds == 3600


def test_missing_files_and_folders_are_refused(tmp_path):
    wav(tmp_path / "hello.wav", tone(440, RATE), RATE)
    for path, text in ((tmp_path / "helo.wav", "did you mean 'hello.wav'"), (tmp_path, "is a folder, expected")):
        with pytest.raises(BadSample, match=f"D104[^$]*{text}"):
            decode_audio(str(path))


@pytest.mark.parametrize("name", ["mit leer zeichen.wav", "你好.wav", "🎵.wav", "100%20.WAV"])
def test_any_file_name_works(tmp_path, name):
    wav(tmp_path / name, tone(440, RATE), RATE)
    assert decode_audio(str(tmp_path / name))[1] == RATE


def test_resampling_preserves_a_tone():
    found = resample(tone(440, 16000), 16000, 8000)
    assert found.dtype == np.float32 and len(found) == 8000
    assert np.abs(found - tone(440, 8000))[200:-200].max() < 1e-3
    assert resample(found, 8000, 8000) is found


def test_decoding_sets_rate_samples_and_duration(tmp_path):
    wav(tmp_path / "a.wav", tone(440, 16000, 0.5), 16000)
    sample = DecodeAudio(8000)({"path": str(tmp_path / "a.wav"), "duration": 0.5}, random_for(0))
    assert sample["rate"] == 8000 and sample["audio"].shape == (4000,) and sample["duration"] == 0.5


def test_resampling_is_logged_once(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("kit"), "propagate", True)
    wav(tmp_path / "a.wav", tone(440, 16000, 0.5), 16000)
    transform, logged = DecodeAudio(8000), []
    for _ in range(2):
        transform({"path": str(tmp_path / "a.wav")}, random_for(0))
        logged.append([message for message in caplog.messages if "resampled from 16000" in message])
    assert logged[0] and logged[0] == logged[1]


@pytest.mark.parametrize(
    "options, more, code, text",
    [
        ({"convert": False}, {}, "D143", "the sample rate is 16000 Hz, expected 8000 Hz"),
        ({"min_seconds": 0.6}, {}, "D145", "0.500 s long, the minimum is 0.6 s"),
        ({"max_seconds": 0.4}, {}, "D145", "0.5 s long, the maximum is 0.4 s"),
        ({}, {"duration": 0.55}, "D141", "the duration is 0.500 s, 0.550 s in the manifest"),
    ],
)
def test_an_error_names_file_and_line(tmp_path, options, more, code, text):
    path = str(tmp_path / "a.wav")
    wav(path, tone(440, 16000, 0.5), 16000)
    sample = {"path": path, "manifest": "train.jsonl", "place": "line 3"} | more
    with pytest.raises(BadSample) as error:
        DecodeAudio(8000, **options)(sample, random_for(0))
    issue = error.value.issue
    assert (issue.code, issue.file, issue.place) == (code, path, "train.jsonl: line 3") and text in issue.message


def test_audio_in_memory_is_checked_and_converted():
    given = {"audio": np.stack([tone(440, 16000)] * 2, 1), "rate": 16000, "path": "-"}
    assert DecodeAudio(8000)(given, random_for(0))["audio"].shape == (8000,)
    with pytest.raises(BadSample, match="D142"):
        DecodeAudio(8000)({"audio": [0.0, float("nan")], "rate": 8000}, random_for(0))
    with pytest.raises(BadSample, match="D145"):
        DecodeAudio(8000, max_seconds=1)({"audio": np.zeros(8001), "rate": 8000}, random_for(0))


@pytest.mark.parametrize("options", [{"rate": 0}, {"channel": "left"}, {"channel": -1}, {"min_seconds": 700}])
def test_settings_out_of_range_are_refused(options):
    with pytest.raises(ConfigError):
        DecodeAudio(**({"rate": 8000} | options))


def test_a_missing_package_is_named_with_its_command(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "soundfile", None)
    monkeypatch.setitem(__import__("sys").modules, "soxr", None)
    with pytest.raises(EnvironmentProblem, match="pip install soundfile"):
        read_header(b"RIFF")
    with pytest.raises(EnvironmentProblem, match="pip install soxr"):
        resample(tone(440, 8000), 8000, 16000)
