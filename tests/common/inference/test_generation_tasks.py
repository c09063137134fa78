"""Generated images in records, and the changes that an attribute editor is asked for."""

import numpy as np
import pytest

from common.errors import ConfigError
from common.inference.generated import as_pixels, image_of_record, image_record, images_beside
from common.inference.tasks.attribute_editing import AttributeEditing
from common.inference.tasks.image_from_noise import ImageFromNoise
from common.inference.tasks.image_translation import ImageTranslation


def test_an_image_survives_its_record():
    image = np.random.default_rng(0).uniform(-1.2, 1.2, (3, 4, 5))
    record = image_record(image)
    assert record["size"] == [4, 5]
    np.testing.assert_array_equal(image_of_record(record), as_pixels(image))
    assert as_pixels(np.array([[[-1.0, 0.0, 1.0, 9.0]]]))[0, :, 0].tolist() == [0, 128, 255, 255]
    assert as_pixels(np.zeros((1, 2, 2))).shape == (2, 2, 3)


def test_a_translated_image_is_drawn_alone():
    task = ImageTranslation()
    outputs = {"translated": np.full((2, 3, 4, 6), 1.0)}
    (first,) = task.records(outputs, [{"name": "a.png"}], None, 0)  # a batch may be filled up
    assert task.draw(np.zeros((9, 9, 3), np.uint8), first).tolist() == np.full((4, 6, 3), 255).tolist()
    assert task.line({"name": "a.png"}, first) == "a.png: an image of 6 x 4 pixels"


def test_an_image_of_noise_is_named_by_its_text():
    task = ImageFromNoise()
    ((record,),) = task.records({"image": np.zeros((1, 1, 2, 3))}, [{"text_a": "bag, 4"}], None, 0)
    assert task.draw(None, [record]).shape == (2, 3, 3)
    assert task.line({"text_a": "bag, 4"}, [record]) == "bag, 4: an image of 3 x 2 pixels"


def editor(**given):
    return AttributeEditing(["Child", "Senior", "Male"], exclusive=[["Child", "Senior"]], **given)


def test_a_change_sets_its_attribute_and_takes_away_the_others_of_its_group():
    task = editor(changes=["Senior=1", "Male=0, Child = 1"])
    assert [part["target"].tolist() for part in task.split({"name": "x"})] == [[0, 1, -1], [1, 0, 0]]
    assert [part["change"] for part in editor().split({})] == ["Child=1", "Senior=1", "Male=1"]
    assert editor().split({"target": np.ones(3)}) == [{"target": pytest.approx(np.ones(3))}]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("Mael=1", "no attribute 'Mael'; did you mean 'Male'"),
        ("Male", "write ATTRIBUTE=1"),
        ("Male=2", "ATTRIBUTE=0"),
        ("Male=0,Child=1, Male=1", "change 'Male=0,Child=1, Male=1': names 'Male' twice"),
    ],
)
def test_a_change_that_cannot_be_made_is_refused(change, says):
    with pytest.raises(ConfigError, match=says):
        editor().ask_for([change])


def test_edited_images_are_drawn_beside_the_given_one():
    task, image = editor(), np.zeros((4, 4, 3), np.uint8)
    samples = [{"change": "Male=1", "name": "a.png"}, {"target": np.array([1, 0, -1]), "name": "a.png"}]
    outputs = {"edited": np.ones((2, 3, 4, 4)), "attributes": np.array([[0.9, 0, 0.6], [0, 0.4, 0]])}
    (first,), (second,) = task.records(outputs, samples, None, 0)
    assert first["attributes"] == ["Child", "Male"] and second["attributes"] == []
    assert second["change"] == "Child=1, Senior=0"
    assert task.draw(image, [first, second]).shape == (4, 12, 3) and task.draw(image, [first]).min() == 255
    assert task.line(samples[0], [first]) == "a.png: Child, Male -> Male=1"
    assert images_beside([image, np.zeros((2, 3, 3), np.uint8)]).shape == (4, 10, 3)
