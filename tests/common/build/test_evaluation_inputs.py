"""Refusal of transforms in data.eval, data.test and data.infer that the scores or the boxes would not survive."""

from types import SimpleNamespace

import pytest

from common.build.inputs import check_evaluation_transforms, check_transforms
from common.config import load_config
from common.errors import ConfigError
from common.inference.exported import inference_split
from common.vision.decode import Decode
from common.vision.resize import LetterBox

DETECTOR = SimpleNamespace(inputs={"image": (), "im_shape": (), "scale_factor": ()})
CLASSIFIER = SimpleNamespace(inputs={"image": ()})


def config_with(tmp_path, transform, split="eval"):
    """A configuration whose line 6 is the transform."""
    path = tmp_path / "det.yml"
    path.write_text(
        f"kit: PaddleCV\nmodel: {{type: YOLOv3}}\ndata:\n  {split}:\n    transforms: [{{type: Decode}},\n"
        f"      {transform},\n      {{type: Normalize}}]\n"
    )
    return load_config(path)


REFUSED = [
    ("{type: LetterBox, size: 64, center: true}", "set center: false"),
    ("{type: Pad, divisor: 32, center: true}", "set center: false"),
    ("{type: CenterCrop, size: 64}", "use Resize"),
    ("{type: RandomFlip, prob: 0.5}", "data.train"),
    ("{type: Mosaic, size: 64}", "data.train"),
    ("{type: ResizeBatch, sizes: [32, 64]}", "data.train"),
    ("{type: Resize, size: 64, interp: random}", "data.train"),
    ("{type: On, key: image, transforms: [{type: CenterCrop, size: 64}]}", "use Resize"),
]


@pytest.mark.parametrize("split", ["eval", "test", "infer"])
@pytest.mark.parametrize(("transform", "fix"), REFUSED, ids=[text for text, _ in REFUSED])
def test_a_detector_refuses_it_at_its_line(tmp_path, transform, fix, split):
    with pytest.raises(ConfigError) as error:
        check_evaluation_transforms(config_with(tmp_path, transform, split), DETECTOR, ["a"])
    text = str(error.value)
    assert f"det.yml:6: {transform[7:].split(',')[0]}" in text and f"data.{split}" in text and fix in text


def test_a_detector_takes_what_it_can_undo(tmp_path):
    for transform in ("{type: LetterBox, size: 64}", "{type: ResizeShort, size: 64}", "{type: Pad, divisor: 32}"):
        check_evaluation_transforms(config_with(tmp_path, transform), DETECTOR, ["a"])


def test_training_and_classifiers_may_crop(tmp_path):
    crop = "{type: CenterCrop, size: 64}"
    check_evaluation_transforms(config_with(tmp_path, crop), CLASSIFIER, ["a"])
    check_evaluation_transforms(config_with(tmp_path, "{type: RandomFlip}", "train"), DETECTOR, ["a"])


def test_an_export_made_before_is_refused_by_its_entry():
    with pytest.raises(ConfigError, match=r"infer\.yml: preprocess\[1\]: LetterBox with center: true"):
        places = ["infer.yml: preprocess[0]", "infer.yml: preprocess[1]"]
        check_transforms([Decode(), LetterBox(64, center=True)], DETECTOR, places, "the export", "its model")


def test_inferences_are_not_prepared_by_random_transforms_of_training(tmp_path):
    with pytest.raises(ConfigError, match=r"det\.yml:6: RandomFlip is random"):
        inference_split(config_with(tmp_path, "{type: RandomFlip}", "train"))
    assert inference_split(config_with(tmp_path, "{type: Resize, size: 8}", "train")) == "train"
