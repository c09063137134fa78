"""A scalar of a file of texts or recordings that is written otherwise is read as meant, or reported with its place."""

import json

import pytest

from common.errors import DataError
from PaddleNLP.data.labeled_texts import LabeledTexts
from PaddleNLP.data.squad_questions import SquadQuestions
from PaddleSpeech.data.audio_manifest import AudioManifest
from tests.made.spellings import replaced, scalars, spellings

QUESTION = {
    "question": "who went ?",
    "id": "17",
    "answers": [{"text": "ann", "answer_start": 0}],
    "is_impossible": False,
}
FILES = {  # the reader, its file, a row or a tree, and the keys whose texts are free
    "questions": (SquadQuestions, "q.json", {"data": [{"paragraphs": [{"context": "ann went", "qas": [QUESTION]}]}]}),
    "labels": (LabeledTexts, "l.jsonl", {"text_a": "a fine room", "label": 17}),
    "recordings": (AudioManifest, "m.jsonl", {"audio_filepath": "a.wav", "text": "ann", "duration": 1.5, "id": "17"}),
}
FREE = {"question", "context", "text_a", "text", "audio_filepath", "id"}  # another text is another text


def read(kind, folder, tree):
    """The samples that a reader makes of a file, without the places; the issues."""
    reader, name, _ = FILES[kind]
    text = json.dumps(tree)
    if name.endswith(".jsonl"):
        text += "\n" + json.dumps(
            tree | ({"id": "x", "audio_filepath": "b.wav"} if kind == "recordings" else {"label": 3})
        )
    (folder / name).write_text(text + "\n")
    dataset = reader(str(folder / name)) if kind == "recordings" else reader(str(folder), name)
    return dataset.samples[0] | {"labels": dataset.labels}, dataset.problems.all()


@pytest.mark.parametrize("kind", FILES)
def test_another_spelling_is_equal_or_reported_with_its_place(kind, tmp_path):
    tree = FILES[kind][2]
    expected, _ = read(kind, tmp_path, tree)
    tried, silent = 0, []
    for path in scalars(tree):
        value = tree
        for key in path:
            value = value[key]
        for other in spellings(value):
            another = other in (10**400, -17) or (isinstance(other, str) and str(value).strip() != other.strip())
            if (another and path[-1] in ("label", "id")) or (isinstance(other, str) and path[-1] in FREE):
                continue  # a text that is just another one
            tried += 1
            try:
                found, issues = read(kind, tmp_path, replaced(tree, path, other))
            except DataError as error:
                assert FILES[kind][1] in str(error) and "Traceback" not in str(error)
                continue
            same = {k: v for k, v in found.items() if k != "text_a"} == {
                k: v for k, v in expected.items() if k != "text_a"
            }
            same = same and str(found.get("text_a", "")).strip() == str(expected.get("text_a", "")).strip()
            if not same and not any(issue.place and issue.message for issue in issues):
                silent.append((path, other, found))
    assert tried > 10 and not silent
