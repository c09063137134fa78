import cv2
import numpy as np
import pytest

from common.system import random_state
from common.training.batch_images import CELL, class_text, draw_batch
from common.training.callbacks.train_batches import TrainBatches
from common.vision.color import Normalize
from common.vision.samples import On, PerFrame
from tests.common.training.fake_trainer import FakeTrainer
from tests.made.commands import at, command


def normalized(image, **settings):
    transform = Normalize(**settings)
    return transform({"image": image}, None)["image"], transform


@pytest.mark.parametrize("settings", [{}, {"bgr": True}, {"mean": [127.5], "std": [128], "scale": 1.0}])
def test_normalization_is_undone(settings):
    image = np.random.default_rng(0).integers(0, 256, (7, 9, 3), np.uint8)
    image = cv2.merge([image[..., 0]] * 3) if "scale" in settings else image
    made, transform = normalized(image, **settings)
    assert np.array_equal(transform.restore(made), image)


@pytest.fixture
def batch():
    """Two gray images of 40 x 80 pixels, normalized, with one box in the first one and the padding of another."""
    made, transform = normalized(np.full((40, 80, 3), 100, np.uint8))
    return transform, {
        "image": np.stack([made, made]),
        "boxes": np.array([[[20, 10, 60, 30], [0, 0, 0, 0]], [[0, 0, 0, 0]] * 2], np.float32),
        "labels": np.array([[1, -1], [-1, -1]]),
        "scores": np.array([[0.7, 0], [0, 0]], np.float32),
        "path": ["a.jpg", "b.jpg"],
    }


def test_images_are_shown_as_they_were_with_their_boxes_in_place(batch):
    transform, arrays = batch
    first, second = draw_batch(arrays, [transform], ["cat", "dog"])
    assert first.shape == (CELL // 2, CELL, 3) and (second == 100).all()
    assert (first[80, 80] != 100).any() and (first[80, 240] != 100).any() and (first[120, 160] != 100).any()
    inside, outside = first[44:116, 84:236], first[125:]
    assert (inside == 100).all() and (outside == 100).all()


def test_masks_and_keypoints_of_a_sample_are_drawn(batch):
    transform, arrays = batch
    masks = np.zeros((2, 2, 40, 80), np.uint8)
    masks[0, 0, 12:20, 22:40] = 1
    points = np.zeros((2, 2, 1, 3), np.float32)
    points[0, 0, 0] = 55, 25, 2
    first, second = draw_batch(arrays | {"masks": masks, "keypoints": points}, [transform], ["cat", "dog"])
    assert (first[60, 120] != 100).any() and (first[100, 220] != 100).any() and (first[90, 120] == 100).all()
    assert (second == 100).all()
    mask = np.zeros((2, 40, 80), np.uint8)
    mask[1, :20] = 3
    first, second = draw_batch({"image": arrays["image"], "mask": mask}, [transform], None)
    assert (first == 100).all() and (second[70] != 100).any() and (second[90] == 100).all()


def test_named_images_and_clips_are_restored_by_their_own_transforms():
    image, normalize = np.full((32, 32, 3), 200, np.uint8), Normalize()
    sample = On(["a", "b"], [normalize])({"a": image, "b": image}, np.random.default_rng(0))
    sample = PerFrame([Normalize(bgr=True)])(sample | {"clip": [image, image]}, np.random.default_rng(0))
    given = [On(["a", "b"], [normalize]), PerFrame([Normalize(bgr=True)])]
    shown = draw_batch({name: value[None] for name, value in sample.items()}, given, None)
    assert len(shown) == 3 and all((image == 200).all() for image in shown)


def test_images_of_no_known_normalization_are_stretched():
    (shown,) = draw_batch({"image": np.linspace(-5, 5, 64, dtype=np.float32).reshape(1, 1, 8, 8)}, [], None)
    assert shown.min() == 0 and shown.max() == 255 and shown.shape == (CELL, CELL, 3)


@pytest.mark.parametrize(
    ("sample", "text"),
    [
        ({"label": np.int64(1)}, "dog"),
        ({"label": np.int64(1), "soft_label": np.array([0.3, 0.68, 0.02])}, "dog: 0.68, cat: 0.30"),
        ({"label": np.zeros(3)}, ""),
        ({}, ""),
    ],
)
def test_the_classes_of_an_image_are_named_with_their_shares(sample, text):
    assert class_text(sample, ["cat", "dog", "pig"]) == text


def test_the_first_batches_of_a_new_run_are_written_and_nothing_is_changed(batch, tmp_path):
    transform, arrays = batch
    trainer = FakeTrainer(tmp_path, callbacks=[TrainBatches()])
    trainer.batch, trainer.loader.pipeline = arrays, type("Pipeline", (), {"transforms": [transform]})
    before, random = {name: np.array(value) for name, value in arrays.items()}, random_state.collect()
    trainer.run()
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == [f"train_batch_{k}.jpg" for k in range(3)]
    assert cv2.imread(str(tmp_path / "plots/train_batch_2.jpg")).shape[1] == 2 * CELL + 12
    assert all(np.array_equal(arrays[name], value) for name, value in before.items())
    assert random_state.collect() == random


def test_a_resumed_run_and_one_without_images_write_nothing(batch, tmp_path):
    resumed, texts = (FakeTrainer(tmp_path, callbacks=[TrainBatches()]) for _ in range(2))
    resumed.step, resumed.batch, texts.batch = 5, batch[1], {"token_ids": np.zeros((2, 5), int)}
    for trainer in (resumed, texts):
        trainer.loader.pipeline = type("Pipeline", (), {"transforms": []})
        trainer.run()
    assert not any(tmp_path.iterdir())


def test_an_error_is_a_warning(batch, tmp_path, caplog):
    trainer = FakeTrainer(tmp_path, callbacks=[TrainBatches()])
    trainer.batch, trainer.loader.pipeline = batch[1] | {"labels": 1}, type("Pipeline", (), {"transforms": []})
    with caplog.at_level("WARNING", "kit"):
        trainer.run()
    assert [record.message.startswith("plots: train_batch: TypeError") for record in caplog.records] == [True]


def test_check_shows_the_batches_before_a_training(digits, tmp_path):
    answer = command("check", "--fast", *at(digits), "--show", tmp_path / "seen")
    names = [str(tmp_path / f"seen/train_batch_{number}.jpg") for number in range(3)]
    assert answer.code == 0 and answer.out.splitlines()[-5:-2] == names, answer.err
    assert all(cv2.imread(name).std() > 10 for name in names)


def test_check_shows_images_only(made_sets, tmp_path):
    given = ["-c", "PaddleNLP/configs/tiny/words.yml", "-o", f"dataset={made_sets.folder('texts')}"]
    command("check", "--fast", *given, "--show", tmp_path / "seen").refused(2, "--show", "images")
