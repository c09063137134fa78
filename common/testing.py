"""Contract test of models, for the tests of all kits.

one training step: named, finite losses, and a gradient for every parameter
in evaluation mode, the prediction of a sample does not depend on its batch
saving and loading the weights preserves predictions
the outputs of the exported program equal those of the model in memory
"""

import fnmatch
import inspect
from pathlib import Path

import numpy as np

from common.inference.compare import rows_in_order_of
from common.inference.predictor import passes_to_delete, run_engine

TOLERANCE = 1e-4
SETTLING_STEPS = 10


def check_model(make, batch, folder, unused=(), tolerance=TOLERANCE, exported=True):
    """Checks all properties of the contract.

    Args:
        make (callable): builds the model; a second call may have other weights.
        batch (dict[str, ndarray]): argument of `loss`, with at least two samples, including the model's inputs.
        folder (Path): empty output folder.
        unused (list[str]): name patterns of parameters that need no gradient.
        tolerance (float): maximum difference relative to the largest value.
        exported (bool): the model can be exported.

    Returns:
        nn.Layer: the model after its step, in evaluation mode.

    Raises:
        AssertionError: a property is violated.
    """
    model = make()
    check_attributes(model, batch)
    check_training_step(model, batch, unused)
    warm_up_statistics(model, batch)
    check_rows(model, batch, tolerance)
    check_saving(model, make(), batch, Path(folder) / "weights.safetensors")
    if exported:
        check_export(model, batch, Path(folder) / "exported", tolerance)
    return model


def check_attributes(model, batch):
    """The model declares its task, inputs and outputs."""
    assert model.task and model.outputs, f"{type(model).__name__} lacks task or outputs"
    parameters = [p for p in inspect.signature(model.forward).parameters if p != "self"]
    assert list(model.inputs) == parameters, f"inputs {list(model.inputs)} are not forward's {parameters}"
    missing = set(model.inputs) - set(batch)
    assert not missing, f"the batch of the test lacks {missing}"


def check_training_step(model, batch, unused=()):
    """One training step has finite, named losses, and a nonzero gradient for every parameter."""
    import paddle

    model.train()
    losses = model.loss(tensors(batch))
    assert losses and all(name.startswith("loss_") for name in losses), f"losses are named {list(losses)}"
    for name, value in losses.items():
        assert value.numel().item() == 1 and np.isfinite(value.item()), f"{name} is {value}"
    sum(losses.values()).backward()
    without = []
    for name, parameter in model.named_parameters():
        if parameter.stop_gradient or any(fnmatch.fnmatch(name, pattern) for pattern in unused):
            continue
        if parameter.grad is None or not np.any(parameter.grad.numpy()):
            without.append(name)
        else:
            assert np.isfinite(parameter.grad.numpy()).all(), f"the gradient of {name} is not finite"
    assert not without, f"no gradient reaches {without}"
    optimizer = paddle.optimizer.SGD(1e-4, parameters=model.parameters())
    optimizer.step()
    optimizer.clear_grad()
    assert all(np.isfinite(value.item()) for value in model.loss(tensors(batch)).values())


def warm_up_statistics(model, batch):
    """Adapts the running statistics of an untrained model to the batch, then sets evaluation mode."""
    model.train()
    for _ in range(SETTLING_STEPS):
        predictions(model, batch)
    model.eval()


def check_rows(model, batch, tolerance=TOLERANCE):
    """`predict` of a batch is `predict` of each of its samples."""
    together = predictions(model, batch)
    for row in range(len(next(iter(batch.values())))):
        alone = predictions(model, {name: value[row : row + 1] for name, value in batch.items()})
        for number, (whole, single) in enumerate(zip(together, alone, strict=True)):
            assert_close(whole[row : row + 1], single, tolerance, f"output {number} of sample {row} in its batch")


def check_saving(model, other, batch, path):
    """A second model with the weights of the first predicts the same, bit for bit."""
    from safetensors.numpy import load_file, save_file

    save_file({name: np.ascontiguousarray(value.numpy()) for name, value in model.state_dict().items()}, str(path))
    missing, unexpected = other.set_state_dict(load_file(str(path)))
    assert not missing and not unexpected, f"missing {missing}, unexpected {unexpected}"
    other.eval()
    for before, after in zip(predictions(model, batch), predictions(other, batch), strict=True):
        np.testing.assert_array_equal(before, after)


def check_export(model, batch, folder, tolerance=TOLERANCE):
    """The exported program, with and without oneDNN, for the batch and for one sample, equals the model in memory."""
    import paddle

    save_program(model, folder / "model")
    engines = {onednn: load_program(folder / "model", onednn) for onednn in (False, True)}
    for count in (len(next(iter(batch.values()))), 1):
        inputs = [np.ascontiguousarray(batch[name][:count]) for name in model.inputs]
        with paddle.no_grad():
            expected = arrays(model(*map(paddle.to_tensor, inputs)))
        for onednn, engine in engines.items():
            got = run_engine(engine, dict(zip(model.inputs, inputs)))
            for name, output, right in zip(model.outputs, got, expected, strict=True):
                assert output.dtype == right.dtype, f"{name} is exported as {output.dtype}, not {right.dtype}"
                allowed = 10 * tolerance if onednn else tolerance  # it sums in another order
                if output.ndim == 2 and output.shape == right.shape:
                    output = rows_in_order_of(output, right)
                assert_close(output, right, allowed, f"exported {name}, oneDNN {onednn}, {count} samples")


def save_program(model, prefix):
    """Writes PREFIX.json and PREFIX.pdiparams, as an export with dynamic sizes does."""
    from common.export.write import write_program

    write_program(model, prefix, {name: shape for name, (shape, _) in model.inputs.items()})


def load_program(prefix, onednn=True):
    """Loads an exported program for inference.

    Args:
        prefix (Path): of the .json and .pdiparams files.
        onednn (bool): use oneDNN, the default of the engine.
    """
    from paddle import inference

    config = inference.Config(f"{prefix}.json", f"{prefix}.pdiparams")
    config.disable_glog_info()
    config.enable_new_ir(True)
    config.enable_new_executor(True)
    config.enable_memory_optim()
    config.enable_mkldnn() if onednn else config.disable_mkldnn()
    for name in passes_to_delete(prefix):
        config.delete_pass(name)
    return inference.create_predictor(config)


def predictions(model, batch):
    """The raw predictions of `predict` as a list of arrays."""
    import paddle

    wanted = [name for name in inspect.signature(model.predict).parameters if name != "self"]
    with paddle.no_grad():
        return arrays(model.predict(*(paddle.to_tensor(batch[name]) for name in wanted)))


def arrays(outputs):
    """Flattens tensors nested in lists, tuples and dicts to a list of arrays."""
    if isinstance(outputs, dict):
        outputs = list(outputs.values())
    if isinstance(outputs, list | tuple):
        return [array for output in outputs for array in arrays(output)]
    return [outputs.numpy()]


def tensors(batch):
    """Converts the arrays of a batch to tensors; other values are unchanged."""
    import paddle

    return {name: paddle.to_tensor(v) if isinstance(v, np.ndarray) else v for name, v in batch.items()}


def count_parameters(model):
    """(number of parameters, those of frozen layers too, number of other values: running statistics, fixed tables)."""
    sizes = {True: 0, False: 0}
    for name, parameter in model.named_parameters():
        frozen = not parameter.trainable and name.rpartition(".")[2] in ("weight", "bias", "projection")
        sizes[frozen or not parameter.stop_gradient] += parameter.size
    return int(sizes[True]), int(sizes[False])


def assert_close(got, expected, tolerance, what):
    """Asserts equal shapes, and values that are equal up to `tolerance` times the largest."""
    assert got.shape == expected.shape, f"{what} has shape {got.shape}, not {expected.shape}"
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    difference = float(np.abs(got.astype("float64") - expected).max(initial=0)) / scale
    assert difference <= tolerance, f"{what} differs by {difference:.2e} of its largest value"
