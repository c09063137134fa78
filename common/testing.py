"""The contract that every model of every kit keeps, as one check for its tests.

it trains one step: named losses, finite, and a gradient reaches every parameter
in evaluation, the answer to a sample does not depend on the batch it is in
weights that are saved and loaded answer as before
the exported program answers as the model in memory
"""

import fnmatch
import inspect
from pathlib import Path

import numpy as np

from common.export.compare import rows_in_order_of
from common.inference.predictor import run_engine

TOLERANCE = 1e-4
SETTLING_STEPS = 10


def check_model(make, batch, folder, unused=(), tolerance=TOLERANCE, exported=True):
    """Checks a model against all of the contract.

    Args:
        make (callable): builds the model, without arguments; a second call may give other weights.
        batch (dict[str, ndarray]): what `loss` takes, with at least two samples, the model's inputs among it.
        folder (Path): an empty folder to write to.
        unused (list[str]): patterns of parameter names that no gradient has to reach.
        tolerance (float): the largest difference, relative to the largest value.
        exported (bool): whether the model can be exported at all.

    Returns:
        nn.Layer: the model after its step, in evaluation mode.

    Raises:
        AssertionError: the contract is broken.
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
    """A model says what it is for, what it takes and what it answers."""
    assert model.task and model.outputs, f"{type(model).__name__} lacks task or outputs"
    parameters = [p for p in inspect.signature(model.forward).parameters if p != "self"]
    assert list(model.inputs) == parameters, f"inputs {list(model.inputs)} are not forward's {parameters}"
    missing = set(model.inputs) - set(batch)
    assert not missing, f"the batch of the test lacks {missing}"


def check_training_step(model, batch, unused=()):
    """One step of gradient descent: finite losses by name, and a gradient that is not zero at every parameter."""
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
    """Lets the batch statistics of an untrained model come near what it sees; then evaluation mode."""
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
    """A second model that loads the weights of the first answers the same, to the bit."""
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
            for name, answer, right in zip(model.outputs, got, expected, strict=True):
                assert answer.dtype == right.dtype, f"{name} is exported as {answer.dtype}, not {right.dtype}"
                allowed = 10 * tolerance if onednn else tolerance  # it adds in another order
                if answer.ndim == 2 and answer.shape == right.shape:
                    answer = rows_in_order_of(answer, right)
                assert_close(answer, right, allowed, f"exported {name}, oneDNN {onednn}, {count} samples")


def save_program(model, prefix):
    """Writes PREFIX.json and PREFIX.pdiparams, as an export does with all sizes free."""
    from common.export.write import write_program

    write_program(model, prefix, {name: shape for name, (shape, _) in model.inputs.items()})


def load_program(prefix, onednn=True):
    """The engine that runs an exported program.

    Args:
        prefix (Path): of the .json and .pdiparams files.
        onednn (bool): whether the engine may use oneDNN, as it does by default.
    """
    from paddle import inference

    config = inference.Config(f"{prefix}.json", f"{prefix}.pdiparams")
    config.disable_glog_info()
    config.enable_new_ir(True)
    config.enable_new_executor(True)
    config.enable_memory_optim()
    config.enable_mkldnn() if onednn else config.disable_mkldnn()
    return inference.create_predictor(config)


def predictions(model, batch):
    """The raw answers of `predict` as a list of arrays."""
    import paddle

    wanted = [name for name in inspect.signature(model.predict).parameters if name != "self"]
    with paddle.no_grad():
        return arrays(model.predict(*(paddle.to_tensor(batch[name]) for name in wanted)))


def arrays(outputs):
    """Tensors, however nested in lists, tuples and dicts, as a flat list of arrays."""
    if isinstance(outputs, dict):
        outputs = list(outputs.values())
    if isinstance(outputs, list | tuple):
        return [array for output in outputs for array in arrays(output)]
    return [outputs.numpy()]


def tensors(batch):
    """The arrays of a batch as tensors; what is no array stays."""
    import paddle

    return {name: paddle.to_tensor(v) if isinstance(v, np.ndarray) else v for name, v in batch.items()}


def count_parameters(model):
    """How many numbers a model trains, and how many it holds besides, such as batch statistics."""
    trained = sum(p.size for p in model.parameters() if not p.stop_gradient)
    return int(trained), int(sum(p.size for p in model.parameters()) - trained)


def assert_close(got, expected, tolerance, what):
    """Equal shapes, and equal numbers up to `tolerance` of the largest."""
    assert got.shape == expected.shape, f"{what} has shape {got.shape}, not {expected.shape}"
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    difference = float(np.abs(got.astype("float64") - expected).max(initial=0)) / scale
    assert difference <= tolerance, f"{what} differs by {difference:.2e} of its largest value"
