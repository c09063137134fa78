"""The other side of rec_parity.py: the layers of deepctr-torch and the models of recbole, with the weights given."""

import importlib.util
import pathlib
import sys
import types
import zipfile

import numpy as np
import torch
from torch import nn

LIMIT = 1e-5


def main(folder, wheel):
    """Compares every case; the exit code."""
    stand_in_for_what_is_not_needed()
    good = True
    for name, other in OTHERS.items():
        case = np.load(f"{folder}/{name}.npz")
        weights = {key[2:]: torch.tensor(case[key]) for key in case.files if key.startswith("w/")}
        inputs = {key[3:]: torch.tensor(case[key]) for key in case.files if key.startswith("in/")}
        with torch.no_grad():
            output = other(weights, inputs, wheel)
        difference = float(np.abs(output.numpy() - case["out"]).max())
        good &= difference <= LIMIT
        print(f"{name:8} largest difference {difference:.1e}, outputs up to {np.abs(case['out']).max():.2f}")
    good &= scores_agree(np.load(f"{folder}/scores.npz"), wheel)
    return int(not good)


def scores_agree(case, wheel):
    """Whether the ranking scores of recbole are ours."""
    hits = (case["items"][:, :, None] == case["wanted"][:, None, :]).any(2)
    counts = (case["wanted"] > 0).sum(1)
    module, largest = recbole_metrics(wheel), 0.0
    for name, kind in (("recall", "Recall"), ("hr", "Hit"), ("mrr", "MRR"), ("ndcg", "NDCG")):
        metric = getattr(module, kind)({"topk": [5, 10], "metric_decimal_place": 12})
        means = (metric.metric_info(hits, counts) if kind in ("Recall", "NDCG") else metric.metric_info(hits)).mean(0)
        largest = max(largest, *(abs(means[k - 1] - case[f"score/{name}@{k}"]) for k in (5, 10)))
    print(f"ranking scores: largest difference {largest:.1e}")
    return largest <= LIMIT


def recbole_metrics(wheel):
    """`recbole.evaluator.metrics` out of the wheel; it uses a name that numpy has dropped."""
    np.float = float
    utils = types.ModuleType("recbole.utils")
    utils.EvaluatorType = types.SimpleNamespace(RANKING=0, VALUE=1)
    helpers = types.ModuleType("recbole.evaluator.utils")
    helpers._binary_clf_curve = None
    sys.modules |= {"recbole.utils": utils, "recbole.evaluator.utils": helpers}
    for name in ("base_metric", "metrics"):
        with zipfile.ZipFile(wheel) as archive:
            text = archive.read(f"recbole/evaluator/{name}.py").decode()
        path = pathlib.Path(sys.argv[1]) / f"recbole_{name}.py"
        path.write_text(text)
        spec = importlib.util.spec_from_file_location(f"recbole.evaluator.{name}", path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
    return module


def stand_in_for_what_is_not_needed():
    """deepctr-torch imports TensorFlow and scikit-learn for its training loop, which is not used here."""

    class Missing(types.ModuleType):
        def __getattr__(self, name):
            if name.startswith("__"):
                raise AttributeError(name)
            return type(name, (), {})

    names = ["tensorflow", "tensorflow.python", "tensorflow.python.keras", "tensorflow.python.keras.callbacks"]
    for name in [*names, "sklearn", "sklearn.metrics", "tqdm", "pandas", "requests"]:
        top = name.split(".")[0]
        if top in sys.modules or importlib.util.find_spec(top) is None:
            sys.modules[name] = Missing(name)


def load(layer, **values):
    """Sets parameters and buffers of a layer by name; all others stay."""
    held = dict(layer.named_parameters()) | dict(layer.named_buffers())
    for name, value in values.items():
        held[name.replace("__", ".")].data.copy_(value)
    return layer.eval()


def fields(weights, inputs):
    """First-order terms [N, F] and vectors [N, F, K], as the linear and embedding layers of DeepCTR give them."""
    rows = weights["fields.categories.table.weight"][inputs["ids"]]
    rows = torch.cat([inputs["numbers"].unsqueeze(-1) * weights["fields.numbers"], rows], 1)
    return rows[:, :, 0], rows[:, :, 1:]


def network(weights, prefix, size, hidden, activation="relu", batch_norm=False):
    """The DNN of DeepCTR with the weights of an MLP."""
    from deepctr_torch.layers import DNN

    layer = DNN(size, hidden, activation=activation, use_bn=batch_norm)
    values = {}
    for k in range(len(hidden)):
        values[f"linears__{k}__weight"] = weights[f"{prefix}.layers.{k}.weight"].T
        values[f"linears__{k}__bias"] = weights[f"{prefix}.layers.{k}.bias"]
        if batch_norm:
            norm = f"{prefix}.norms.{k}"
            values[f"bn__{k}__weight"], values[f"bn__{k}__bias"] = weights[f"{norm}.weight"], weights[f"{norm}.bias"]
            values[f"bn__{k}__running_mean"] = weights[f"{norm}._mean"]
            values[f"bn__{k}__running_var"] = weights[f"{norm}._variance"]
    return load(layer, **values)


def linear(weights, prefix, features):
    """A linear layer of one output, [N]."""
    return (features @ weights[f"{prefix}.weight"] + weights[f"{prefix}.bias"]).squeeze(-1)


def deepfm(weights, inputs, wheel):
    from deepctr_torch.layers import FM

    first, vectors = fields(weights, inputs)
    deep = linear(weights, "out", network(weights, "deep", 35, (16, 8))(vectors.flatten(1)))
    return first.sum(1) + FM()(vectors).squeeze(-1) + deep


def dcn(weights, inputs, wheel):
    from deepctr_torch.layers import CrossNet

    vectors = [weights[f"tables.{k}.table.weight"][inputs["ids"][:, k]] for k in range(4)]
    features = torch.cat([inputs["numbers"], *vectors], 1)
    kernels = torch.stack([weights[f"cross.weights.{k}"] for k in range(3)])
    biases = torch.stack([weights[f"cross.biases.{k}"].unsqueeze(-1) for k in range(3)])
    cross = load(CrossNet(23, layer_num=3, parameterization="vector"), kernels=kernels, bias=biases)
    deep = network(weights, "deep", 23, (16, 8), batch_norm=True)
    return linear(weights, "out", torch.cat([cross(features), deep(features)], 1))


def xdeepfm(weights, inputs, wheel):
    from deepctr_torch.layers import CIN

    first, vectors = fields(weights, inputs)
    maps = [weights[f"interaction.weights.{k}"] for k in range(2)]
    values = {f"conv1ds__{k}__weight": value.unsqueeze(-1) for k, value in enumerate(maps)}
    values |= {f"conv1ds__{k}__bias": torch.zeros(len(value)) for k, value in enumerate(maps)}
    explicit = load(CIN(7, (6, 4), "relu", split_half=False), **values)(vectors)
    implicit = network(weights, "deep", 35, (16, 8))(vectors.flatten(1))
    both = linear(weights, "interaction_out", explicit) + linear(weights, "deep_out", implicit)
    return first.sum(1) + both + weights["bias"]


def din(weights, inputs, wheel):
    from deepctr_torch.layers.sequence import AttentionSequencePoolingLayer

    def vectors(items, groups):
        tables = weights["items.table.weight"], weights["groups.table.weight"]
        return torch.cat([table[ids.clamp(min=0)] for table, ids in zip(tables, (items, groups))], -1)

    target = vectors(inputs["item"], inputs["group"])
    done = vectors(inputs["history"], inputs["history_groups"])
    pooling = AttentionSequencePoolingLayer((12, 6), "sigmoid", weight_normalization=False, embedding_dim=10)
    first = weights["attention.network.layers.0.weight"].split(
        10
    )  # of the history, the item, their difference, product
    first = torch.cat([first[1], first[0], -first[2], first[3]])  # there the item comes first
    values = {"dnn__linears__0__weight": first.T, "dnn__linears__0__bias": weights["attention.network.layers.0.bias"]}
    values["dnn__linears__1__weight"] = weights["attention.network.layers.1.weight"].T
    values["dnn__linears__1__bias"] = weights["attention.network.layers.1.bias"]
    values["dense__weight"] = weights["attention.network.layers.2.weight"].T
    values["dense__bias"] = weights["attention.network.layers.2.bias"]
    load(pooling.local_att, **values)
    lengths = (inputs["history"] >= 0).sum(1, keepdim=True)
    interest = pooling.eval()(target.unsqueeze(1), done, lengths).squeeze(1)
    interest = interest @ weights["interest.weight"] + weights["interest.bias"]
    hidden = network(weights, "network", 20, (10, 7), "sigmoid")(torch.cat([interest, target], 1))
    bias = weights["item_bias.table.weight"][inputs["item"]].squeeze(-1)
    return linear(weights, "network.layers.2", hidden) + bias


def recbole_model(wheel, file, name, config):
    """A model of recbole, out of its wheel, on a base that gives it the number of items and `gather_indexes`."""

    class SequentialRecommender(nn.Module):
        def __init__(self, config, dataset):
            super().__init__()
            self.ITEM_SEQ, self.ITEM_SEQ_LEN, self.n_items, self.device = "items", "length", 9, "cpu"

        @staticmethod
        def gather_indexes(output, index):
            return output.gather(1, index.view(-1, 1, 1).expand(-1, -1, output.shape[-1])).squeeze(1)

    base = types.ModuleType("recbole.model.abstract_recommender")
    base.SequentialRecommender = SequentialRecommender
    loss = types.ModuleType("recbole.model.loss")
    loss.BPRLoss = object
    sys.modules |= {"recbole": types.ModuleType("recbole"), "recbole.model": types.ModuleType("recbole.model")}
    sys.modules |= {base.__name__: base, loss.__name__: loss}
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(f"recbole/model/sequential_recommender/{file}.py").decode()
    path = pathlib.Path(sys.argv[1]) / f"other_{file}.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)({"loss_type": "CE", "device": "cpu"} | config, None)


def scored(model, inputs):
    """The scores of all items after sessions; there 0 is padding."""
    lengths = (inputs["items"] >= 0).sum(1)
    return model(inputs["items"].clamp(min=0), lengths) @ model.item_embedding.weight.T


def gru4rec(weights, inputs, wheel):
    config = {"embedding_size": 6, "hidden_size": 8, "num_layers": 1, "dropout_prob": 0.0}
    model = recbole_model(wheel, "gru4rec", "GRU4Rec", config)
    load(
        model,
        item_embedding__weight=weights["items.table.weight"],
        gru_layers__weight_ih_l0=weights["gru.weight_ih_l0"],
        gru_layers__weight_hh_l0=weights["gru.weight_hh_l0"],
        dense__weight=weights["tied.weight"].T,
        dense__bias=weights["tied.bias"],
    )
    return scored(model, inputs)


def sr_gnn(weights, inputs, wheel):
    model = recbole_model(wheel, "srgnn", "SRGNN", {"embedding_size": 6, "step": 2})
    nothing = torch.zeros(6)

    def gates(value):
        """The gate that keeps the old value there is the one that takes the new value here."""
        reset, update, new = value.split(6)
        return torch.cat([reset, -update, new])

    load(
        model,
        item_embedding__weight=weights["items.table.weight"],
        gnn__w_ih=gates(weights["graph.from_edges.weight"].T),
        gnn__w_hh=gates(weights["graph.from_node.weight"].T),
        gnn__b_ih=torch.zeros(18),
        gnn__b_hh=gates(weights["graph.from_node.bias"]),
        gnn__b_iah=nothing,
        gnn__b_ioh=nothing,
        gnn__linear_edge_in__weight=weights["graph.edge_in.weight"].T,
        gnn__linear_edge_in__bias=weights["graph.edge_in.bias"],
        gnn__linear_edge_out__weight=weights["graph.edge_out.weight"].T,
        gnn__linear_edge_out__bias=weights["graph.edge_out.bias"],
        linear_one__weight=weights["of_last.weight"].T,
        linear_one__bias=weights["of_last.bias"],
        linear_two__weight=weights["of_each.weight"].T,
        linear_two__bias=nothing,
        linear_three__weight=weights["attention.weight"].T,
        linear_transform__weight=weights["join.weight"].T,
        linear_transform__bias=nothing,
    )
    return scored(model, inputs)


OTHERS = {"DeepFM": deepfm, "DCN": dcn, "xDeepFM": xdeepfm, "DIN": din, "GRU4Rec": gru4rec, "SR-GNN": sr_gnn}

if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
