"""Builds the callbacks of a training run, in their order."""

from pathlib import Path

from common.build.learned_files import collect_files
from common.inference.task import samples_of, task_of
from common.system import distributed
from common.training.callbacks.card import Card
from common.training.callbacks.checkpoint import Checkpoint, FirstCheckpoint
from common.training.callbacks.evaluate import Evaluate
from common.training.callbacks.log import Log, NextSteps
from common.training.callbacks.plots import Plots
from common.training.callbacks.sample_sheets import SampleSheets
from common.training.callbacks.train_batches import TrainBatches
from common.vision.decode import decode_image


def build_callbacks(config, options, folder, model, loader=None, metric=None):
    """The callbacks of a run; processes other than the main one only evaluate and take part in saving.

    Args:
        config (Config): checked.
        options (RunOptions): of the run.
        folder (Path): of the run.
        model (nn.Layer): with its `labels`.
        loader (Loader): of the evaluation data; None for no evaluation.
        metric (object): scores the predictions.
    """
    settings = config.settings("train")
    checkpoints = (settings.save_every, settings.save_every_steps, settings.keep, config.dump())
    checkpoint = Checkpoint(*checkpoints, pdparams=options.pdparams, files=collect_files(config))
    found = []
    if loader is not None:
        found = [FirstCheckpoint(checkpoint), Evaluate(loader, metric, settings.eval_every, settings.early_stop)]
    main = distributed.is_main()
    if main:
        dataset = loader.dataset if loader is not None else None
        found += writers(config, options, folder, draw_with(task_of(config, model), model, dataset), model)
    if main and settings.mode == "stream":
        from common.training.callbacks.publish import Publish

        found.append(Publish(config, settings.keep))  # before saving: a version may be published twice
    found += [checkpoint, *options.callbacks]
    return [*found, NextSteps()] if main else found


def writers(config, options, folder, draw, model):
    """The callbacks that log, plot and report."""
    found = [Log(config.get("log_every")), TrainBatches(), Plots(draw=draw), Card(options.command_line)]
    if hasattr(model, "sheet"):
        found.append(SampleSheets())
    if options.visualdl:
        from common.training.callbacks.visualdl import VisualDL

        found.append(VisualDL(folder / "vdl"))
    if options.tensorboard:
        from common.training.callbacks.tensorboard import TensorBoard

        found.append(TensorBoard(folder / "tensorboard"))
    if options.profile:
        from common.training.callbacks.profile import Profile

        found.append(Profile())
    return found


def draw_with(task, model, dataset):
    """Returns a function from a batch and the model's outputs to images with the predictions drawn.

    None if the task does not draw.
    """
    read = getattr(dataset, "image_of", lambda path: decode_image(Path(path).read_bytes()))
    if not task.draws:
        return None

    def draw(batch, outputs):
        images = [read(path) for path in batch["path"]]
        records = task.records(outputs, samples_of(batch), model.labels, min(0.3, task.threshold))
        return [task.draw(image, found) for image, found in zip(images, records)]

    return draw
