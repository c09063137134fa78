"""Readers of sequences with masks or of single images, and what each refuses with the name of the file."""

import json

import cv2
import numpy as np
import pytest

from common.data.transform import random_for
from common.errors import BadSample, DataError
from common.vision.instance_masks import encode_mask
from common.vision.track_masks import read_track_mask
from PaddleCV.data.choose_frames import ChooseFrames
from PaddleCV.data.coco import CocoDetection
from PaddleCV.data.object_sequences import ObjectSequences
from PaddleCV.data.still_objects import StillObjects
from PaddleCV.data.video_objects import VideoObjects
from PaddleCV.data.youtube_vos import YouTubeVOS
from PaddleCV.tools.make_tracks import make_tracks


def write_image(path, value=90, shape=(20, 30, 3)):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full(shape, value, np.uint8))


def write_vos(root, frames=("00000", "00005")):
    """A video of two objects; the second one is hidden in the first frame."""
    for number, frame in enumerate(frames):
        write_image(root / f"JPEGImages/a/{frame}.jpg")
        ids = np.zeros((20, 30), np.uint8)
        ids[2:6, 3:10] = 1
        if number:
            ids[8:12, 4:9] = 2
        path = root / f"Annotations/a/{frame}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), ids)
    objects = {name: {"category": "dog", "frames": list(frames)} for name in ("1", "2")}
    (root / "meta.json").write_text(json.dumps({"videos": {"a": {"objects": objects}}}))


def test_objects_of_youtube_vos_have_the_boxes_of_their_masks(tmp_path):
    write_vos(tmp_path)
    dataset = YouTubeVOS(str(tmp_path))
    assert [dataset[n]["name"] for n in range(len(dataset))] == ["a/1", "a/2"]
    choose = ChooseFrames(masks=True)
    for seed in range(5):
        found = choose(dataset[1], random_for(seed), [dataset[0]])
        assert found["boxes"].tolist() == [[4, 8, 5, 4]] * 2  # never the first frame, where it is hidden
        assert read_track_mask(found["mask"]).sum() == 20
        found = ChooseFrames(negatives=1.0, masks=True)(dataset[1], random_for(seed), [dataset[0]])
        assert found["same"] == 0 and found["mask"] is None and found["boxes"][1].tolist() == [3, 2, 7, 4]


def test_an_object_without_pixels_is_refused_with_its_file(tmp_path):
    write_vos(tmp_path)
    for path in (tmp_path / "Annotations/a").iterdir():
        cv2.imwrite(str(path), np.zeros((20, 30), np.uint8))
    with pytest.raises(BadSample, match="object a/2 has no pixel in any of its masks") as found:
        ChooseFrames()(YouTubeVOS(str(tmp_path))[1], random_for(0), [])
    assert found.value.issue.file.endswith("00000.png")


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (None, "D104", "cannot be opened"),
        ('{"videos": ', "D112", "is not JSON"),
        ("[]", "D113", "has no 'videos'"),
        ('{"videos": {}}', "D117", "has no object"),
        ('{"videos": {"a": 3}}', "D113", "has no 'objects'"),
        ('{"videos": {"a": {"objects": {"1": {"frames": 3}}}}}', "D113", "has no 'frames'"),
        ('{"videos": {"a": {"objects": {"x": {"frames": ["00000"]}}}}}', "D113", "is not the number of an object"),
        ('{"videos": {"a": {"objects": {"1": {"frames": ["00009"]}}}}}', "D104", "00009.jpg"),
    ],
)
def test_a_meta_file_with_errors_is_refused(text, code, said, tmp_path):
    write_vos(tmp_path)
    (tmp_path / "meta.json").unlink()
    if text is not None:
        (tmp_path / "meta.json").write_text(text)
    with pytest.raises(DataError, match=code) as found:
        YouTubeVOS(str(tmp_path))
    assert said in str(found.value) and "meta.json" in str(found.value)


def write_coco(root, size=16):
    write_image(root / "train2017/1.jpg", shape=(40, 50, 3))
    mask = np.zeros((40, 50), np.uint8)
    mask[5 : 5 + size, 10 : 10 + size] = 1
    common = {"image_id": 1, "category_id": 1, "area": size**2}
    content = {
        "images": [{"id": 1, "file_name": "1.jpg", "width": 50, "height": 40}],
        "categories": [{"id": 1, "name": "dog"}],
        "annotations": [
            common | {"id": 1, "bbox": [10, 5, size, size], "iscrowd": 0, "segmentation": encode_mask(mask)},
            common | {"id": 2, "bbox": [10, 5, size, size], "iscrowd": 1, "segmentation": encode_mask(mask)},
        ],
    }
    (root / "annotations").mkdir()
    (root / "annotations/instances_train2017.json").write_text(json.dumps(content))


def test_objects_of_still_images_are_sequences_of_one_frame(tmp_path):
    write_coco(tmp_path)
    dataset = StillObjects(CocoDetection(str(tmp_path), with_masks=True))
    assert len(dataset) == 1  # the crowd is left out
    found = ChooseFrames(masks=True)(dataset[0], random_for(0), [])
    assert found["boxes"].tolist() == [[10, 5, 16, 16]] * 2 and found["frames"][0] == found["frames"][1]
    assert read_track_mask(found["mask"]).sum() == 256
    assert "masks" not in StillObjects(CocoDetection(str(tmp_path)))[0]
    assert dataset.check() == [] and dataset.paths()[0].endswith("1.jpg")


def test_a_dataset_of_small_objects_alone_is_refused(tmp_path):
    write_coco(tmp_path, size=10)
    with pytest.raises(DataError, match="no object is of 16 pixels or more"):
        StillObjects(CocoDetection(str(tmp_path)))


def write_vid(root, boxes=("3,4,9,9", "4,4,10,9"), track="<trackid>7</trackid>"):
    for number, box in enumerate(boxes):
        write_image(root / f"Data/VID/train/b/{number:06d}.JPEG") if number < 2 else None
        corners = "".join(
            f"<{key}>{value}</{key}>" for key, value in zip(("xmin", "ymin", "xmax", "ymax"), box.split(","))
        )
        path = root / f"Annotations/VID/train/b/{number:06d}.xml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"<annotation><object>{track}<name>n1</name><bndbox>{corners}</bndbox></object></annotation>")


def test_objects_of_vid_are_followed_by_their_numbers(tmp_path):
    write_vid(tmp_path)
    dataset = VideoObjects(str(tmp_path))
    assert len(dataset) == 1 and dataset[0]["boxes"].tolist() == [[3, 4, 6, 5], [4, 4, 6, 5]]
    assert [path[-11:] for path in dataset[0]["frames"]] == ["000000.JPEG", "000001.JPEG"]


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"boxes": ("3,4,9,9", "4,4,4,9")}, "D113", "enclose an area"),
        ({"boxes": ("3,4,9,9", "4,x,5,9")}, "D113", "enclose an area"),
        ({"track": ""}, "D113", "has no trackid"),
        ({"boxes": ("3,4,9,9", "3,4,9,9", "3,4,9,9")}, "D104", "its frame is not in"),
        ({"boxes": ("3,4,9,9",)}, "D117", "no object is in 2 frames or more"),
        ({"boxes": ()}, "D104", "has no XML file"),
    ],
)
def test_videos_with_errors_are_refused(changes, code, said, tmp_path):
    write_vid(tmp_path, **changes)
    with pytest.raises(DataError, match=code) as found:
        VideoObjects(str(tmp_path))
    assert said in str(found.value)


def test_made_sequences_have_the_masks_of_what_is_seen(tmp_path):
    make_tracks(tmp_path / "made", train=3, evaluation=1, size=96, frames=4)
    dataset = ObjectSequences(str(tmp_path / "made/train"))
    for sequence in (dataset[n] for n in range(len(dataset))):
        for box, mask in zip(sequence["boxes"], sequence["masks"], strict=True):
            rows, columns = np.nonzero(read_track_mask(mask))
            x, y, width, height = box
            assert len(rows) == 0 or (columns.min() >= x - 1.5 and columns.max() + 1 <= x + width + 1.5)
            assert len(rows) == 0 or (rows.min() >= y - 1.5 and rows.max() + 1 <= y + height + 1.5)
    (tmp_path / "made/train/0001/mask/0002.png").unlink()
    with pytest.raises(DataError, match="3 masks for 4 frames"):
        ObjectSequences(str(tmp_path / "made/train"))
