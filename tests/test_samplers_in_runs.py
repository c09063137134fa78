"""End-to-end tests of samplers and of streams of unknown length."""

import json
from pathlib import Path

import numpy as np
import pytest

from common.build.data import build_dataset, build_loader, build_sampler
from common.config import load_config
from common.training.trainer import with_end
from common.weights.checkpoint import read_checkpoint
from tests.made.commands import command

CONFIGS = Path(__file__).parent / "reliability/TinyKit/configs"
ENDLESS = ["data.train.length=0", "data.train.sampler={type: StreamSampler, steps: 7}"]


def run(name, place, *more, options=()):
    given = [f"output_dir={place}", "train.workers=0", *more]
    return command("train", "--eval", *options, "-c", CONFIGS / f"{name}.yml", "-o", *given)


def steps_of(folder):
    return sorted(int(path.name[5:]) for path in folder.glob("step_*"))


def first_batches(*overrides, split="train", training=True):
    """The batches of the first epoch, as the configuration of the map-style set makes them."""
    config = load_config(CONFIGS / "tiny.yml", overrides)
    config.check()
    dataset = build_dataset(config, split)
    settings = config.settings("train")
    settings.workers = 0
    with build_loader(config, split, dataset, settings, training) as loader:
        return list(loader.epoch(0))


def test_batches_of_a_grouped_sampler_hold_one_class():
    batches = first_batches("data.train.sampler={type: GroupedSampler}")
    assert len(batches) == 33 and all(len(set(batch["label"])) == 1 for batch in batches)
    assert len({batch["label"][0] for batch in batches[:9]}) > 1


def test_a_weighted_sampler_draws_by_the_weights_of_the_data_set():
    batches = first_batches("data.train.sampler={type: WeightedSampler, num_samples: 40}")
    assert len(batches) == 10 and {label for batch in batches for label in batch["label"]} == {2}


def test_the_training_sampler_is_not_used_for_evaluation():
    batches = first_batches("data.train.sampler={type: WeightedSampler}", training=False)
    assert [number for batch in batches for number in batch["image_id"]] == list(range(132))


def test_an_epoch_sampler_repeats_and_keeps_the_rest():
    batches = first_batches(
        "data.train.length=10", "data.train.sampler={type: EpochSampler, repeat: 2, drop_last: false}"
    )
    assert sum(len(batch["image_id"]) for batch in batches) == 20
    assert len({image.tobytes() for batch in batches for image in batch["image"]}) == 20  # each visit shuffled again


@pytest.mark.parametrize(
    "sampler, words",
    [
        ("{type: GroupedSampler, rank: 1}", ["GroupedSampler has no key 'rank'", "GroupedSampler takes: groups=None"]),
        ("{type: GroupSampler}", ["there is no 'GroupSampler'; did you mean 'GroupedSampler'?"]),
        ("{type: MeanScore}", ["data.train.sampler: MeanScore is a metric; data.train.sampler takes samplers"]),
        ("{type: EpochSampler, shufle: no}", ["EpochSampler has no key 'shufle'; did you mean 'shuffle'?"]),
        ("{type: EpochSampler, drop_last: 3}", ["EpochSampler: drop_last is 3"]),
        ("{type: EpochSampler, repeat: 0}", ["data.train.sampler", "repeat is 0; it must be at least 1"]),
        ("{type: WeightedSampler, weights: [1, 2]}", ["data.train.sampler", "2 weights for 132 samples"]),
        ("{type: StreamSampler}", ["StreamSampler does not suit Noise", "data.train is not a stream"]),
        ("[1]", ["data.train.sampler is a list; it takes a node"]),
    ],
)
def test_samplers_are_validated(sampler, words, tmp_path):
    run("tiny", tmp_path, f"data.train.sampler={sampler}").refused(2, *words)


def test_a_data_set_without_groups_is_named(tmp_path):
    answer = run("tiny", tmp_path, "data.eval.sampler={type: GroupedSampler}", "data.eval.type=Noise", "eval.workers=0")
    assert answer.code == 0, answer.err
    config = load_config(CONFIGS / "tiny.yml", ["data.train.sampler={type: GroupedSampler}"])
    with pytest.raises(Exception, match=r"tiny.yml|-o .*: object does not provide the groups of its samples") as caught:
        build_sampler(config, "train", type("object", (), {"__len__": lambda self: 8})(), 4, True)
    assert caught.value.exit_code == 2


def test_arguments_passed_by_the_program_are_not_saved():
    sampler = "data.train.sampler.type=EpochSampler"
    printed = command("train", "-c", CONFIGS / "tiny.yml", "--print-config", "-o", sampler)
    assert "sampler: {type: EpochSampler, shuffle: true, drop_last: true, repeat: 1}" in printed.out


def test_samplers_are_listed_and_explained():
    listed, helped = (command("configure", *words).out for words in (["list", "samplers"], ["help", "WeightedSampler"]))
    assert {"EpochSampler", "StreamSampler"} <= set(listed.split())
    assert "sampler: {type: ...}" in helped and "rank (an integer): passed by the program" in helped


@pytest.fixture(scope="module")
def streamed(tmp_path_factory):
    """A whole run on the stream: 2 epochs of 33 batches, two batches an update."""
    place = tmp_path_factory.mktemp("streamed")
    answer = run("stream", place)
    assert answer.code == 0, answer.err
    return place / "stream", answer.err


def test_an_epoch_of_a_stream_ends_with_it_and_the_rest_of_a_group_counts(streamed):
    folder, said = streamed
    assert (folder / "last").resolve().name == "step_34"  # 16 whole groups and one of a single batch, twice
    assert "epoch 2/2 step 34 loss" in said and "eta" not in said and "eval epoch 1/2 step 17" in said
    assert {5, 10, 15, 17, 20, 30, 34} <= set(steps_of(folder))


@pytest.mark.parametrize("step", [15, 17, 30])
def test_resuming_in_the_middle_of_a_stream_is_exact(streamed, tmp_path, step):
    whole, _ = streamed
    answer = run("stream", tmp_path, "train.epochs=2", options=["-r", str(whole / f"step_{step}")])
    assert answer.code == 0, answer.err
    for (arrays, state), (others, other) in [
        (read_checkpoint(whole / "last"), read_checkpoint(tmp_path / "stream/last"))
    ]:
        assert {k: v for k, v in state.items() if k != "callbacks"} == {
            k: v for k, v in other.items() if k != "callbacks"
        }
        for group, named in arrays.items():
            for name, value in named.items():
                np.testing.assert_array_equal(value, others[group][name], err_msg=f"{group} {name}")


def test_a_stream_read_by_workers_trains(tmp_path):
    answer = command("train", "-c", CONFIGS / "stream.yml", "-o", f"output_dir={tmp_path}", "train.workers=2")
    assert answer.code == 0, answer.err
    # each worker reads 66 images: 16 whole batches; the rest of each shard is left out
    assert (tmp_path / "stream/last").resolve().name == "step_32"


def test_an_endless_stream_has_epochs_of_a_fixed_number_of_steps(tmp_path):
    answer = run("stream", tmp_path, *ENDLESS, "train.accumulate=1", "optimizer.lr={type: CosineDecay, base: 0.1}")
    assert answer.code == 0, answer.err
    assert (tmp_path / "stream/last").resolve().name == "step_14" and "step 14/14" in answer.err


def test_a_stream_ends_at_max_steps(tmp_path):
    more = ["data.train.length=0", "train.max_steps=6", "optimizer.lr={type: CosineDecay, base: 0.1}"]
    answer = run("stream", tmp_path, *more)
    assert answer.code == 0 and "train.max_steps=6 steps are done" in answer.err, answer.err
    assert (tmp_path / "stream/last").resolve().name == "step_6"


def test_a_schedule_that_needs_the_length_of_the_run_is_refused_for_a_stream(tmp_path):
    answer = run("stream", tmp_path, "optimizer.lr={type: CosineDecay, base: 0.1}")
    answer.refused(2, "optimizer.lr", "data.train is a stream of unknown length", "StreamSampler", "max_steps")


def test_a_stream_without_a_batch_is_refused(tmp_path):
    run("stream", tmp_path, "data.train.length=3").refused(3, "data.train yielded no batch in epoch 1")


def test_a_stream_shorter_than_its_steps_is_refused(tmp_path):
    run("stream", tmp_path, "data.train.sampler={type: StreamSampler, steps: 40}").refused(3, "of the 40 batches")


def test_another_sampler_for_a_stream_is_refused(tmp_path):
    answer = run("stream", tmp_path, "data.train.sampler={type: EpochSampler}")
    answer.refused(2, "data.train.sampler", "length", "EpochSampler")


def test_a_dry_run_and_a_check_take_streams(tmp_path):
    answer = run("stream", tmp_path, *ENDLESS, options=["--dry-run"])
    assert answer.code == 0 and "dry run passed" in answer.err, answer.err
    checked = command("check", "-c", CONFIGS / "stream.yml", "-o", *ENDLESS)
    assert checked.code == 0, checked.err
    assert "data.train: 28 samples read from a stream, 3 classes" in checked.out
    assert "data.eval: 14 samples read from a stream, 3 classes" in checked.out


def test_a_stream_is_evaluated_by_the_command_as_by_the_run(streamed):
    folder, _ = streamed
    answer = command("eval", "-c", CONFIGS / "stream.yml", "--json", "-o", f"weights={folder / 'last'}")
    records = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    then = [record["mean_score"] for record in records if record["kind"] == "eval"]
    assert json.loads(answer.out)["mean_score"] == pytest.approx(then[-1], abs=1e-6), answer.err


def test_check_lists_read_errors_of_a_data_set_without_a_check_method():
    from common.data.issues import check_dataset

    class Torn:
        def __len__(self):
            return 5

        def __getitem__(self, index):
            if index % 2:
                raise OSError(5, "the disk is bad", f"{index}.jpg")
            return {}

        def iterate(self, shard, num_shards, epoch):
            yield {}
            raise ValueError("torn")

    class Whole(Torn):
        iterate = property()

        def __getattribute__(self, name):
            if name == "iterate":
                raise AttributeError(name)
            return super().__getattribute__(name)

    issues, count = check_dataset(Whole(), deep=True)
    assert count == 5 and [issue.file for issue in issues] == ["1.jpg", "3.jpg"]
    assert issues[0].code == "D100" and issues[0].place == "sample 1"
    issues, count = check_dataset(Torn(), deep=True)
    assert count == 1 and "ValueError: torn" in issues[0].message and issues[0].place == "sample 1 of shard 0"


def test_lookahead_finds_the_last_batch_of_a_stream():
    class Three:
        length, position = None, 0

        def epoch(self):
            for self.position in (1, 2, 3):
                yield f"batch {self.position}"

    loader = Three()
    found = list(with_end(loader.epoch(), loader))
    assert found == [("batch 1", 1, False), ("batch 2", 2, False), ("batch 3", 3, True)]
