"""Archives of Kaldi: round trips, compressed matrices, text, and damaged files."""

import struct

import numpy as np
import pytest

from common.audio.kaldi_files import Writer, read_archive, read_archive_index, read_value
from common.errors import BadSample, DataError

MATRIX = np.random.default_rng(0).normal(size=(9, 3)).astype(np.float32)
LABELS = np.array([0, 5, 70000, 2], np.int32)


def write(path, *values):
    with Writer(path) as archive:
        for key, value in values:
            archive.write(key, value)
    return path


def test_what_is_written_is_read(tmp_path):
    path = write(tmp_path / "a.ark", ("one", MATRIX), ("two", MATRIX[:1] * 2))
    index = read_archive_index(tmp_path / "a.scp")
    assert [entry[0] for entry in index] == ["one", "two"] and index[0][2] == 4
    np.testing.assert_array_equal(read_value(*index[1][1:3]), MATRIX[:1] * 2)
    assert [key for key, _ in read_archive(path)] == ["one", "two"]
    write(tmp_path / "b.ark", ("one", LABELS), ("none", LABELS[:0]))
    found = dict(read_archive(tmp_path / "b.ark", "integers"))
    assert found["one"].tolist() == LABELS.tolist() and len(found["none"]) == 0
    for wrong in (("a b", MATRIX), ("", MATRIX), ("a", np.array(["x"]))):
        with pytest.raises(ValueError, match="the key"):
            write(tmp_path / "c.ark", wrong)


def head(token, *numbers):
    return b"\0B" + token + b" " + b"".join(b"\4" + struct.pack("<i", n) for n in numbers)


def test_other_kinds_of_matrices_are_read(tmp_path):
    path = tmp_path / "a.ark"
    path.write_bytes(head(b"DM", 9, 3) + MATRIX.astype("<f8").tobytes())
    np.testing.assert_array_equal(read_value(str(path)), MATRIX)
    path.write_bytes(head(b"FV", 3) + MATRIX[0].tobytes())
    np.testing.assert_array_equal(read_value(str(path)), MATRIX[:1].T)
    path.write_bytes(b"x  [\n 1 2.5\n -3 4 ]\ny [ ]\n")
    (_, found), (_, empty) = read_archive(path)
    assert found.tolist() == [[1, 2.5], [-3, 4]] and empty.shape == (0, 0)
    path.write_bytes(b"x 1 2 3\ny 4\n")
    assert [value.tolist() for _, value in read_archive(path, "integers")] == [[1, 2, 3], [4]]


@pytest.mark.parametrize("kind, dtype, most", [(b"CM2", "<u2", 65535), (b"CM3", "<u1", 255)])
def test_matrices_of_small_integers_are_read(kind, dtype, most, tmp_path):
    path, levels = tmp_path / "a.ark", np.array([[0, most], [1, 2]])
    path.write_bytes(b"\0B" + kind + b" " + struct.pack("<ffii", -1, 3, 2, 2) + levels.astype(dtype).tobytes())
    np.testing.assert_allclose(read_value(str(path)), -1 + 3 * levels / most, rtol=1e-6)


def test_matrices_of_quartiles_are_read(tmp_path):
    path = tmp_path / "a.ark"
    points, levels = np.array([[0, 100, 300, 1000]], "<u2"), np.array([0, 32, 64, 128, 192, 255], np.uint8)
    content = struct.pack("<ffii", 10, 65535, 6, 1) + points.tobytes() + levels.tobytes()
    path.write_bytes(b"\0BCM " + content)
    np.testing.assert_allclose(read_value(str(path))[:, 0], [10, 60, 110, 210, 310, 1010], rtol=1e-6)


@pytest.mark.parametrize("data, kind, words", [
    (head(b"FM", 2**30, 2**30), "matrix", "numbers"), (head(b"FM", -1, 4), "matrix", "numbers"),
    (head(b"FM", 9, 3), "matrix", "108 bytes are announced, but only 0"), (b"\0BXY ", "matrix", "no matrix"),
    (b"hello", "matrix", "is no matrix"), (b"[ 1 x ]\n", "matrix", "no row of numbers"), (b"[ 1 2\n", "matrix", "no ]"),
    (b"[ 1 2\n 3 ]\n", "matrix", "different lengths"), (b"\0B\4\2\0\0\0", "integers", "10 bytes are announced"),
    (b"1 2.5\n", "integers", "no integers"), (b"\xff\xfe", "integers", "neither binary nor text"),
])  # fmt: skip
def test_damage_is_named(data, kind, words, tmp_path):
    (tmp_path / "a.ark").write_bytes(data)
    with pytest.raises(BadSample, match=words):
        read_value(str(tmp_path / "a.ark"), 0, kind)


def test_no_damage_gives_another_error(tmp_path):
    write(tmp_path / "a.ark", ("one", MATRIX), ("two", MATRIX))
    whole, rng = (tmp_path / "a.ark").read_bytes(), np.random.default_rng(1)
    refused = 0
    for _ in range(100):
        data = bytearray(whole[: rng.integers(1, len(whole))] if rng.random() < 0.5 else whole)
        for place in rng.integers(0, min(len(data), 24), 3):
            data[place] = rng.integers(256)
        (tmp_path / "a.ark").write_bytes(data)
        try:
            list(read_archive(tmp_path / "a.ark", "matrix" if rng.random() < 0.7 else "integers"))
        except BadSample:
            refused += 1
    assert refused > 30


@pytest.mark.parametrize("text, words", [
    ("a gzip -dc x.gz |\n", "(?s)is a command.*line 1"), ("a x.ark:1\na x.ark:2\n", "(?s)also at line 1.*line 2"),
    ("\na\n", "(?s)not KEY FILE:OFFSET.*line 2"),
])  # fmt: skip
def test_slips_of_an_index_are_named(text, words, tmp_path):
    (tmp_path / "a.scp").write_text(text)
    with pytest.raises(DataError, match=words):
        read_archive_index(tmp_path / "a.scp")


def test_a_missing_archive_and_a_place_beyond_its_end_are_named(tmp_path):
    with pytest.raises(BadSample, match="no such file"):
        read_value(str(tmp_path / "none.ark"))
    write(tmp_path / "a.ark", ("one", MATRIX))
    with pytest.raises(BadSample, match="ends at byte 127; a value is expected at byte 900"):
        read_value(str(tmp_path / "a.ark"), 900)
