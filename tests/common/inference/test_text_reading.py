"""Lines of text are found in maps, put in reading order, cut out, turned and read."""

import numpy as np
import pytest

from common.errors import ConfigError
from common.inference.tasks.text_detection import TextDetection, corners_of, in_reading_order, mean_inside
from common.inference.tasks.text_reading import TextReading
from common.inference.text_reader import TextReader, cut_line


def sample(height, width, scale=1.0):
    inner = np.float32([height * scale, width * scale])
    return {"original_size": np.int64([height, width]), "im_shape": inner, "scale_factor": np.float32([scale, scale])}


def test_a_rectangle_of_the_map_grows_to_the_line_and_is_mapped_back():
    text = np.zeros((1, 80, 120), np.float32)
    text[0, 20:30, 30:90] = 0.9
    (lines,) = TextDetection(dilate=False).records({"text": text}, [sample(40, 60, 2.0)], None, 0.6)
    more = 59 * 9 * 1.6 / (2 * (59 + 9))  # contours run through the centers of pixels
    left, top, right, bottom = lines[0]["box"]
    assert len(lines) == 1 and lines[0]["score"] == pytest.approx(0.9, abs=1e-3)
    assert (left, top) == pytest.approx(((30 - more) / 2, (20 - more) / 2), abs=0.02)
    assert (right, bottom) == pytest.approx(((89 + more) / 2, (29 + more) / 2), abs=0.02)
    assert lines[0]["points"][0] == [left, top] and lines[0]["points"][2] == [right, bottom]


def test_faint_and_tiny_regions_and_those_below_the_threshold_are_left_out():
    text = np.zeros((1, 64, 64), np.float32)
    text[0, 5:7, 5:7], text[0, 20:30, 5:50], text[0, 40:50, 5:50] = 1.0, 0.25, 0.5
    given = {"text": text}, [sample(64, 64)], None
    assert TextDetection().records(*given, 0.6) == [[]]
    assert len(TextDetection().records(*given, 0.4)[0]) == 1
    with pytest.raises(ConfigError, match="without cropping"):
        TextDetection().records({"text": text}, [sample(32, 64) | {"im_shape": np.float32([64, 64])}], None, 0.5)


def test_corners_begin_at_the_upper_left_and_the_mean_is_that_inside():
    points = corners_of(((50, 30), (40, 10), 10))
    assert points[0][0] < points[1][0] and points[0][1] < points[3][1] and points[1][0] > points[3][0]
    text = np.zeros((20, 20), np.float32)
    text[5:11, 5:11] = 0.5
    assert mean_inside(text, np.float64([[5, 5], [10, 5], [10, 10], [5, 10]])) == pytest.approx(0.5)


def test_lines_are_read_from_top_to_bottom_and_from_left_to_right():
    rows = [{"points": [[x, y]]} for x, y in [(90, 12), (5, 15), (50, 60), (40, 8)]]
    assert [item["points"][0][0] for item in in_reading_order(rows)] == [5, 40, 90, 50]


def test_a_line_is_cut_out_upright_and_a_high_one_is_turned():
    image = np.zeros((60, 60, 3), np.uint8)
    image[10:20, 10:30] = 200
    image[10:20, 10] = 50
    line = cut_line(image, [[10, 10], [30, 10], [30, 20], [10, 20]])
    assert line.shape == (10, 20, 3) and line[5, 10, 0] == 200 and line[5, 0, 0] < 100
    high = cut_line(image, [[10, 0], [20, 0], [20, 40], [10, 40]])
    assert high.shape == (10, 40, 3)


class Part:
    """A stand-in of a model of lines: answers for the mean of each image, and says how many it was given at once."""

    def __init__(self, answer):
        self.answer, self.chunks = answer, []

    def records(self, images):
        self.chunks.append(len(images))
        return [self.answer(image) for image in images]


@pytest.fixture
def reader(monkeypatch):
    """A TextReader whose parts are stand-ins: a line that is dark at its left is upright."""
    from common.inference import text_reader

    made = object.__new__(TextReader)
    made.task = TextReading()
    made.direction = Part(lambda image: [{"label": "0" if image[:, 0].mean() < 50 else "180", "score": 0.95}])
    made.recognition = Part(lambda image: [{"text": f"w{image[0, 0, 0]}", "score": 0.8}])
    monkeypatch.setattr(text_reader, "predict_in_turn", lambda part, images: part.records(images))
    return made


def test_lines_upside_down_are_turned_and_weak_or_empty_texts_left_out(reader, monkeypatch):
    from common.inference import text_reader

    image = np.full((40, 60, 3), 100, np.uint8)
    image[5:15, 10:40], image[20:30, 10:40] = np.linspace(0, 99, 30)[None, :, None], 99
    image[20:30, 39] = 0
    places = [
        {"points": [[10, top], [40, top], [40, top + 10], [10, top + 10]], "box": [10, top, 40, top + 10]}
        for top in (5, 20)
    ]
    monkeypatch.setattr(text_reader, "prepare_samples", lambda model, samples: samples)
    monkeypatch.setattr(text_reader, "predict_prepared", lambda model, samples: [places])
    reader.detection = None
    found = reader.read({"image": image})
    assert [item["box"] for item in found] == [[10, 5, 40, 15], [10, 20, 40, 30]]
    assert [item["text"] for item in found] == ["w0", "w0"]  # the second one begins with its dark end
    assert reader.read({"image": image}, 0.9) == []


def test_records_are_drawn_and_listed():
    records = [{"text": "word", "score": 0.9, "box": [5, 20, 60, 40], "points": [[5, 20], [60, 20], [60, 40], [5, 40]]}]
    image = np.zeros((50, 80, 3), np.uint8)
    drawn = TextReading().draw(image, records)
    assert drawn.any() and not image.any() and drawn[20, 30].any()
    assert TextReading().line({"name": "a.png"}, records) == "a.png: 1 line\n  word 0.900 [5.0, 20.0, 60.0, 40.0]"
    found = [{key: value for key, value in records[0].items() if key != "text"}]
    assert TextDetection().line({"name": "a.png"}, found) == "a.png: 1 line\n  0.900 [5.0, 20.0, 60.0, 40.0]"
    assert TextDetection().draw(image, found).any()
