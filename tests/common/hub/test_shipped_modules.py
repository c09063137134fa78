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


def check_yolov3_tiny(module):
    cup = best(module, "coffee", "object_detection")
    assert cup["label"] == "cup" and cup["score"] > 0.4
    np.testing.assert_allclose(cup["box"], [153, 24, 434, 324], atol=8)


def check_crnn_en(module):
    (found,) = module.recognize_text(images=[np.ascontiguousarray(title()[10:35, 5:295])])
    assert found[0]["text"].replace(" ", "").lower() == "region-basedsegmentation"


def check_ppocr(module):
    (found,) = module.recognize_text(images=[title()])
    texts = [record["text"].replace(" ", "") for record in found]
    assert texts[0] == "Region-basedsegmentation" and found[0]["score"] > 0.9
    assert texts[1] == "Letusfirstdeterminemarkersofthecoinsandthe"
    np.testing.assert_allclose(found[0]["box"], [6, 12, 292, 34], atol=5)
    (turned,) = module.recognize_text(images=[np.ascontiguousarray(title()[::-1, ::-1])])
    assert texts[1] in [record["text"].replace(" ", "") for record in turned]


def title():
    """A photograph of a page of scikit-image, RGB."""
    return np.stack([pytest.importorskip("skimage.data").page()] * 3, -1)


EXPECTED = {
    "crnn_en": check_crnn_en,
    "lac": check_lac,
    "lac_seg": check_lac_seg,
    "mobilenet_v2_imagenet": check_mobilenet,
    "ppocr": check_ppocr,
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
