"""Words of texts: split alike by the reader in training and by the transform in inference."""

import pytest

from common.data.pipeline import Pipeline
from common.errors import ConfigError
from common.table.json_rows import rows_to_table
from common.table.words import SplitTexts
from PaddleRec.data.texts import TextRows

TEXTS = ["Ulm, old: NEW", "don't   stop", "Über-größe 北京", "...", "one two three four five"]


@pytest.mark.parametrize("rule", ["letters", "whitespace"])
def test_raw_texts_have_the_words_of_training(tmp_path, rule):
    (tmp_path / "rows").write_text("\n".join(TEXTS) + "\n")
    reader = TextRows([str(tmp_path / "rows")], words=rule, max_length=4)
    learned = reader.assemble(list(reader.rows(0, 1)))
    raw = rows_to_table([{"text": text} for text in TEXTS], {"text": ([None, None], "int64")})
    transform = SplitTexts(["text"], rule, max_length=4)
    served = Pipeline([transform]).table(raw)
    assert served["text"].tolist() == learned["text"].tolist() == transform.table(learned)["text"].tolist()


def test_an_unknown_rule_is_refused():
    with pytest.raises(ConfigError, match="words is 'none'; it must be whitespace or letters"):
        SplitTexts(["text"], "none")
