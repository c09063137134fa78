"""Files in data that are no files are refused, and names in them cannot write to a terminal."""

import os

import pytest

from common.errors import DataError, KitError
from common.files import read_lines
from common.log import counted, printable
from common.regular import check_regular
from common.vision.decode import read_image_file
from common.weights.pdparams import read_pdparams as read_pickle
from common.weights.torch_file import read_torch_file


@pytest.fixture(params=["a FIFO", "a link to a device"])
def special(request, tmp_path):
    path = tmp_path / "list.txt"
    if request.param == "a FIFO":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    return path


@pytest.mark.timeout(20)
@pytest.mark.parametrize("read", [read_lines, read_image_file, read_torch_file, read_pickle])
def test_a_fifo_or_a_device_is_refused_wherever_a_file_is_read(special, read):
    with pytest.raises((KitError, OSError), match=r"is a FIFO, a socket or a device"):
        read(str(special))


def test_files_folders_and_what_is_not_there_are_left_to_those_who_open_them(tmp_path):
    (tmp_path / "a.txt").write_text("x")
    for path in (tmp_path / "a.txt", tmp_path, tmp_path / "missing"):
        check_regular(path)
    with pytest.raises(DataError, match=r"no such file"):
        read_lines(tmp_path / "missing")


@pytest.mark.parametrize("text", ["\x1b[31mred", "\x1b]0;title\x07", "a\rb", "\x9b2J", "\u202eabc", "\x7f", "\x00"])
def test_control_characters_are_shown_and_not_sent(text):
    assert printable(text).isprintable() and printable(printable(text)) == printable(text)


def test_ordinary_texts_are_printed_as_they_are():
    text = "naïve 百度 🐍 ‰\tcolumn\nline"
    assert printable(text) == text


def test_numbers_have_their_noun_in_the_singular_or_the_plural():
    nouns = ("class", "box", "batch", "query", "day", "epoch")
    assert [counted(1, noun) for noun in nouns] == [f"1 {noun}" for noun in nouns]
    found = [counted(2, noun) for noun in nouns]
    assert found == ["2 classes", "2 boxes", "2 batches", "2 queries", "2 days", "2 epochs"]
    assert counted(0, "box") == "0 boxes"
