"""Options of a training run that are not part of the configuration."""

import dataclasses


@dataclasses.dataclass
class RunOptions:
    """Options of one training run, with the meaning of the options of `tools/train.py`.

    Args:
        evaluate (bool): evaluate while training and keep the best checkpoint (`--eval`).
        resume (str | None): `auto` for the newest intact checkpoint of the run's folder, or the path of one (`-r`).
        overwrite (bool): remove what an earlier training wrote to the run's folder.
        dry_run (bool): build everything, train one step, evaluate one batch, save and load.
        visualdl (bool): write VisualDL logs to `<run>/vdl`.
        tensorboard (bool): write TensorBoard logs to `<run>/tensorboard`.
        profile (bool): write a profile of some steps to `<run>/profile`.
        pdparams (bool): write `model.pdparams` beside each checkpoint's weights.
        check_data (bool): check the data before the first epoch.
        command_line (list[str]): the command that started the run, for env.json.
        callbacks (list[Callback]): further ones, which observe the run.
    """

    evaluate: bool = False
    resume: str | None = None
    overwrite: bool = False
    dry_run: bool = False
    visualdl: bool = False
    tensorboard: bool = False
    profile: bool = False
    pdparams: bool = False
    check_data: bool = True
    command_line: list = dataclasses.field(default_factory=list)
    callbacks: list = dataclasses.field(default_factory=list)
