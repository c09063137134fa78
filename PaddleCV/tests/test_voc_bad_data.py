"""Invalid XML files and lists: each is reported with code, place and fix, in at most twelve lines."""

import pytest
from PIL import Image

from common.errors import DataError
from PaddleCV.data.voc import VocDetection

XML = """<annotation><filename>{stem}.jpg</filename><size><width>100</width><height>80</height></size>
<object><name>{name}</name><bndbox><xmin>{x1}</xmin><ymin>2</ymin><xmax>{x2}</xmax><ymax>30</ymax></bndbox></object>
</annotation>"""
BOMB = """<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<annotation><filename>&b;</filename></annotation>"""


@pytest.fixture
def voc(tmp_path):
    for name in ("JPEGImages", "Annotations"):
        (tmp_path / name).mkdir()
    for stem in ("one", "two"):
        Image.new("RGB", (100, 80)).save(tmp_path / f"JPEGImages/{stem}.jpg")
        text = XML.format(stem=stem, name="cat", x1=1, x2=100)
        (tmp_path / f"Annotations/{stem}.xml").write_text(text)
    (tmp_path / "list.txt").write_text("one\ntwo\n")
    (tmp_path / "label_list.txt").write_text("cat\ndog\n")
    return tmp_path


GOOD = {"stem": "one", "name": "cat", "x1": 1, "x2": 100}
XML_FAULTS = [
    ("broken", "<annotation><object>", "D112", "error", ["is not XML", "line 1"]),
    ("empty", "", "D112", "error", ["is not XML"]),
    ("bomb", BOMB, "D112", "error", ["entities"]),
    ("another root", "<html></html>", "D113", "error", ["<html>"]),
    ("class", XML.format(**{**GOOD, "name": "dgo"}), "D109", "error", ["object[0]", "dgo", "'dog'?"]),
    ("no name", XML.format(**GOOD).replace("<name>cat</name>", ""), "D113", "error", ["object[0]", "name"]),
    ("no xmin", XML.format(**GOOD).replace("<xmin>1</xmin>", ""), "D113", "error", ["object[0] (cat)", "bndbox/xmin"]),
    ("text", XML.format(**{**GOOD, "x1": "left"}), "D113", "error", ["object[0] (cat)", "left"]),
    ("nan", XML.format(**{**GOOD, "x1": "nan"}), "D119", "error", ["object[0] (cat)"]),
    ("reversed", XML.format(**{**GOOD, "x1": 90, "x2": 20}), "D106", "error", ["object[0] (cat)", "one.jpg"]),
    ("outside", XML.format(**{**GOOD, "x1": 200, "x2": 300}), "D107", "error", ["object[0] (cat)", "100x80"]),
    ("sticks out", XML.format(**{**GOOD, "x2": 120}), "D107", "warning", ["object[0] (cat)"]),
    ("size", XML.format(**GOOD).replace("<width>100", "<width>500"), "D111", "error", ["500x80", "100x80"]),
]


def read_voc(root, list_file="list.txt", deep=False, **keywords):
    """The issues of a folder and the text of the error, if there was one."""
    try:
        return VocDetection(str(root), list_file, **keywords).check(deep), ""
    except DataError as error:
        assert error.exit_code == 3 and "Traceback" not in str(error) and len(str(error).splitlines()) <= 12
        return error.issues, str(error)


def test_a_valid_voc_dataset_has_no_issues(voc):
    assert read_voc(voc, deep=True) == ([], "")


@pytest.mark.parametrize(
    ("text", "code", "severity", "named"), [row[1:] for row in XML_FAULTS], ids=[row[0] for row in XML_FAULTS]
)
def test_an_error_in_an_xml_file_is_reported(voc, text, code, severity, named):
    (voc / "Annotations/one.xml").write_text(text)
    issues, _ = read_voc(voc)
    assert [(issue.code, issue.severity) for issue in issues] == [(code, severity)]
    message = str(issues[0])
    assert [what for what in [*named, "Annotations/one.xml"] if what not in message] == []


@pytest.mark.parametrize(
    ("lines", "code", "severity", "named"),
    [
        ("one\na b c\n", "D118", "error", ["line 2", "a b c"]),
        ("one\none.jpg\n", "D118", "error", ["line 2", "one.jpg"]),
        ("one -1\ntwo 1\n", "D118", "error", ["line 1", "one -1"]),
        ("one\n\none\n", "D115", "warning", ["line 3", "one"]),
        ("one\ntow\n", "D104", "error", ["line 2", "'two.xml'?"]),
        ("\n", "D117", "error", ["no image"]),
    ],
)
def test_an_error_in_the_list_is_reported(voc, lines, code, severity, named):
    (voc / "list.txt").write_text(lines)
    issues, _ = read_voc(voc)
    assert (issues[0].code, issues[0].severity) == (code, severity)
    message = str(issues[0])
    assert [what for what in [*named, "list.txt"] if what not in message] == []


def test_a_missing_list_image_and_label_file_are_reported(voc):
    issues, message = read_voc(voc, "trian.txt")
    assert issues[0].code == "D104" and "trian.txt" in message
    (voc / "JPEGImages/two.jpg").unlink()
    issues, message = read_voc(voc)
    assert [issue.code for issue in issues] == ["D104"] and "JPEGImages/two.jpg" in message
    issues, message = read_voc(voc, labels="names.txt")
    assert issues[0].code == "D104" and "names.txt" in message
    (voc / "names.txt").write_text("cat\ndog\ncat\n")
    issues, message = read_voc(voc, labels="names.txt")
    assert issues[0].code == "D115" and "cat" in message


def test_a_box_of_one_pixel_is_valid(voc):
    (voc / "Annotations/one.xml").write_text(XML.format(**{**GOOD, "x1": 50, "x2": 50}))
    assert read_voc(voc) == ([], "")
