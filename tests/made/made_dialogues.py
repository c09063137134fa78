"""Small made dialogues: slots of requests, acts of utterances, states, and replies to choose from."""

from common.data.transform import random_for

PLACES, PEOPLE = ["paris", "rome", "oslo", "lima"], ["ann", "bob", "carl", "dora"]
ASKED, TOLD = ["where", "who"], ["very", "and"]


def make_dialogues(folder, counts):
    """Writes slots.*.txt, acts.*.txt, states.*.txt and replies.*.txt; values.txt names the values of states.

    Args:
        folder (Path): of words that `make_texts` knows.
        counts (dict[str, int]): lines of each split.
    """
    for number, (split, count) in enumerate(counts.items()):
        rng = random_for(10, number)
        lines = {name: [] for name in ("slots", "acts", "states", "replies")}
        for k in range(count):
            person, place, other = (words[int(rng.integers(4))] for words in (PEOPLE, PLACES, PLACES))
            lines["slots"].append(f"{person} went to {place}\tB-PER O O B-LOC")
            act = k % 2
            lines["acts"].append(
                f"{k // 4}\tA\t{'tell' if act else 'ask'}\t{(TOLD if act else ASKED)[k // 2 % 2]} {person}"
            )
            known = " ".join(f"to={name}" for name in sorted({place, other}))
            lines["states"] += [f"{k}\t0\t\x01went to {place}\tto={place}",
                                f"{k}\t1\twent\x01and to {other}\t{known}"]  # fmt: skip
            right, wrong = f"{person} saw {place}", f"{PEOPLE[(PEOPLE.index(person) + 1) % 4]} saw the room"
            history = f"where is {person}\t{person} went to {place}"
            lines["replies"] += [f"1\t{history}\t{right}", f"0\t{history}\t{wrong}"]
        for name, rows in lines.items():
            (folder / f"{name}.{split}.txt").write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    names = [f"{slot}={place}" for slot in ("from", "near", "to") for place in sorted(PLACES)]
    (folder / "values.txt").write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
