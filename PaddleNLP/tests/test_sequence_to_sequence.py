"""Models that write texts: the contract, the parameters of the originals, steps and teacher forcing, losses."""

from pathlib import Path

import numpy as np
import paddle
import pytest

from common.layers.token_search import TokenSearch
from common.testing import check_model, count_parameters
from PaddleNLP.models.assemblies.recurrent_translator import RecurrentTranslator
from PaddleNLP.models.assemblies.translation_transformer import TranslationTransformer
from PaddleNLP.models.assemblies.variational_autoencoder import SentenceVAE

V, SEARCH = 12, {"max_length": 5, "beam_size": 3, "n_best": 2}


def transformer(search=SEARCH, **more):
    given = {"hidden_size": 8, "inner_size": 12, "layers": 1, "heads": 2} | more
    return TranslationTransformer(V, search=TokenSearch(**search), **given)


def lstm(search=SEARCH, **more):
    return RecurrentTranslator(V, V + 1, hidden_size=6, search=TokenSearch(**search), **more)


def vae(search=SEARCH, **more):
    return SentenceVAE(V, hidden_size=6, latent_size=3, search=TokenSearch(**search), **more)


MODELS = {
    "transformer": transformer,
    "attention": lstm,
    "lstm": lambda **more: lstm(attention=False, **more),
    "vae": vae,
}


def batch():
    rng = np.random.default_rng(0)
    return {
        "input_ids": rng.integers(3, V, (3, 5)), "length": np.array([5, 3, 1]),
        "target_ids": rng.integers(3, V, (3, 4)), "target_length": np.array([4, 2, 3]),
    }  # fmt: skip


def tensors():
    return {name: paddle.to_tensor(value) for name, value in batch().items()}


def sharp(kind, **more):
    """A model whose tokens differ from step to step."""
    paddle.seed(3)
    net = MODELS[kind](**more)
    for parameter in net.parameters():
        parameter.set_value(parameter * (3 if kind == "transformer" else 15))
    net.eval()
    return net


@pytest.mark.parametrize("kind", MODELS)
def test_the_contract_is_kept(kind, tmp_path):
    check_model(MODELS[kind], batch(), tmp_path, exported=kind == "transformer")  # twins of the others are exported


@pytest.mark.parametrize(
    ("model", "given", "count"),
    [
        (TranslationTransformer, {"vocab_size": 10000}, 49_223_680),
        (TranslationTransformer, {"vocab_size": 10000, "shared": False}, 59_463_680),
        (
            TranslationTransformer,
            {"vocab_size": 10000, "hidden_size": 1024, "inner_size": 4096, "heads": 16},
            186_527_744,
        ),
        (RecurrentTranslator, {"vocab_size": 17191, "target_vocab_size": 7709}, 26_927_616),
        (RecurrentTranslator, {"vocab_size": 17191, "target_vocab_size": 7709, "attention": False}, 25_092_608),
        (SentenceVAE, {"vocab_size": 10003}, 8_825_427),
    ],
)
def test_there_are_as_many_parameters_as_in_the_original(model, given, count):
    with paddle.LazyGuard(), paddle.utils.unique_name.guard():
        assert count_parameters(model(**given))[0] == count


@pytest.mark.parametrize("kind", MODELS)
def test_what_is_searched_is_what_teacher_forcing_scores(kind):
    net, given = sharp(kind), tensors()
    tokens, lengths, scores = net(given["input_ids"], given["length"])
    memory = net.encode(given["input_ids"], given["length"])
    for number in range(2):
        written = tokens[:, number]
        before = paddle.concat([paddle.full_like(written[:, :1], net.start), written[:, :-1]], 1)
        log_p = paddle.nn.functional.log_softmax(net.teach(before, memory))
        log_p = paddle.take_along_axis(log_p, written.unsqueeze(2), 2).squeeze(2).numpy()
        for row, length in enumerate(lengths[:, number].tolist()):
            expected = log_p[row, :length].sum() / ((5 + length) / 6) ** 0.6
            assert scores[row, number].item() == pytest.approx(expected, abs=1e-4)
    assert len(set(scores[:, 0].tolist())) == 3 and len({tuple(row) for row in tokens.flatten(0, 1).tolist()}) > 1


def test_logits_are_those_of_transformers_for_the_same_weights():
    """tests/parity/translation.py recorded them."""
    golden = dict(np.load(Path(__file__).parent / "golden/translation_transformer.npz"))
    logits, *given = (golden.pop(name) for name in ("logits", "input_ids", "length", "written"))
    net = TranslationTransformer(11, start=0, end=2, hidden_size=8, inner_size=12, layers=2, heads=2)
    assert net.set_state_dict({name: paddle.to_tensor(value) for name, value in golden.items()}) == ([], [])
    net.eval()
    input_ids, length, written = map(paddle.to_tensor, given)
    found = net.teach(written, net.encode(input_ids, length)).numpy()
    np.testing.assert_allclose(found, logits, atol=2e-5 * np.abs(logits).max())


def test_one_beam_is_greedy_and_drawn_texts_repeat():
    given = tensors()
    net = sharp("transformer", search={"max_length": 5, "beam_size": 1})
    greedy = net(given["input_ids"], given["length"])[0][:, 0].numpy()
    memory = net.encode(given["input_ids"], given["length"])
    before = paddle.to_tensor(np.concatenate([np.full((3, 1), net.start), greedy[:, :-1]], 1))
    best = net.teach(before, memory).argmax(-1).numpy()
    for row, taught in zip(greedy.tolist(), best.tolist(), strict=True):
        until = row.index(net.end) + 1 if net.end in row else len(row)
        assert row[:until] == taught[:until]
    net.search = TokenSearch(max_length=5, n_best=3, temperature=1.0)
    drawn = net(given["input_ids"], given["length"])[0].tolist()
    assert drawn == net(given["input_ids"], given["length"])[0].tolist() and drawn[0][0] != drawn[0][1]


def test_labels_are_smoothed_in_training_only():
    net, given = transformer(dropout=0.0, label_smoothing=0.3), tensors()
    memory = net.encode(given["input_ids"], given["length"])
    target, there = given["target_ids"], np.array([[1, 1, 1, 1], [1, 1, 0, 0], [1, 1, 1, 0]])
    before = paddle.concat([paddle.zeros_like(target[:, :1]), target[:, :-1]], 1)
    log_p = paddle.nn.functional.log_softmax(net.teach(before, memory)).numpy()
    wanted = np.eye(V)[target.numpy()]
    for training, labels in ((False, wanted), (True, 0.7 * wanted + 0.3 / V)):
        net.train() if training else net.eval()
        expected = -((labels * log_p).sum(-1) * there).sum() / there.sum()
        assert net.loss(given)["loss_tokens"].item() == pytest.approx(expected, abs=1e-5)


def test_the_divergence_is_weighed_more_and_more_and_a_checkpoint_has_the_count():
    net, given = sharp("vae", kl_steps=4, kl_start=0.2, dropout=0.0), tensors()
    net.train()
    mean, log_variance = (part.numpy() for part in net.posterior(given["input_ids"], given["length"]))
    kl = 0.5 * (mean**2 + np.exp(log_variance) - 1 - log_variance).sum() / 9
    found = [net.loss(given)["loss_kl"].item() for _ in range(6)]
    np.testing.assert_allclose(found, kl * np.array([0.2, 0.4, 0.6, 0.8, 1, 1]), rtol=1e-5)
    again = vae(kl_steps=4, kl_start=0.2)
    again.load_training_state(net.training_state())
    assert again.kl_weight() == 1
    net.eval()
    assert net.loss(given)["loss_tokens"].item() == net.loss(given)["loss_tokens"].item() and net.steps == 6


def test_settings_without_a_meaning_are_refused():
    with pytest.raises(ValueError, match="above max_positions 4"):
        transformer(max_positions=4)
    with pytest.raises(ValueError, match="id of '</s>' is 12"):
        transformer(end=12)
    with pytest.raises(ValueError, match="label_smoothing is 1"):
        transformer(label_smoothing=1.0)
    with pytest.raises(ValueError, match="word_keep is 0"):
        vae(word_keep=0.0)
    with pytest.raises(ValueError, match="6 tokens are more than max_positions, 5"):
        transformer(max_positions=5)(paddle.zeros([1, 6], "int64"), paddle.to_tensor([6]))
