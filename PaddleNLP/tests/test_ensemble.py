"""The command of several models: its weights, and mistakes of its options."""

import pytest

from common.errors import ConfigError
from PaddleNLP.tools.ensemble import named_weight, parser, run_ensemble


def test_a_folder_may_have_a_weight():
    assert named_weight("export/a") == ("export/a", 1.0) and named_weight("a=b=2") == ("a=b", 2.0)
    for text in ("a=x", "a=0", "a=nan", "a=inf", "a=-1"):
        with pytest.raises(ConfigError, match="a number above 0"):
            named_weight(text)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--model", "a"], "two models or more"),
        (["--model", "a", "--model", "b", "--threshold", "2"], "threshold is 2"),
        (["--model", "a", "--model", "b", "--batch", "0"], "batch is 0"),
        (["--model", "a", "--model", "b", "-c", "x.yml", "--text", "y"], "give one of them"),
    ],
)
def test_mistakes_are_named(given, message):
    with pytest.raises(ConfigError, match=message):
        run_ensemble(parser().parse_args(given))
