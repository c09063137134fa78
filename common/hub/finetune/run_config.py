"""The settings of a fine-tuning."""

import datetime
from pathlib import Path

from common.errors import ConfigError
from common.hub.finetune.strategy import AdamWeightDecayStrategy, CombinedStrategy


class RunConfig:
    """The settings of a fine-tuning.

    Args:
        log_interval (int): updates between two log lines.
        eval_interval (int): accepted; the validation data are evaluated after every epoch, and the best epoch is kept.
        use_pyreader (bool): accepted; data are always read ahead where that helps.
        use_data_parallel (bool): accepted; several devices are used by `python -m paddle.distributed.launch`.
        save_ckpt_interval (int): updates between two checkpoints, beside those of each epoch; None for none.
        use_cuda (bool): a GPU where there is one; False for the CPU.
        checkpoint_dir (str | Path): the folder of the run, which goes on where it ended; a new one when None.
        num_epoch (int): passes over the training data.
        batch_size (int): examples of an update, or tokens where the reader counts those.
        enable_memory_optim (bool): accepted.
        strategy (CombinedStrategy): how the weights are trained; AdamWeightDecayStrategy when None.
        seed (int): of the run.

    Raises:
        ConfigError: a number is below 1, or the strategy is no strategy.
    """

    def __init__(
        self, log_interval=10, eval_interval=100, use_pyreader=True, use_data_parallel=False, save_ckpt_interval=None,
        use_cuda=True, checkpoint_dir=None, num_epoch=1, batch_size=32, enable_memory_optim=False, strategy=None,
        seed=0,
    ):  # fmt: skip
        for name, value in {"log_interval": log_interval, "num_epoch": num_epoch, "batch_size": batch_size}.items():
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ConfigError(f"RunConfig: {name} is {value!r}; it is a whole number from 1")
        strategy = AdamWeightDecayStrategy() if strategy is None else strategy
        if not isinstance(strategy, CombinedStrategy):
            raise ConfigError(f"RunConfig: strategy is {strategy!r}; it is such as hub.AdamWeightDecayStrategy()")
        self.log_interval, self.save_ckpt_interval, self.use_cuda = log_interval, save_ckpt_interval or 0, use_cuda
        self.num_epoch, self.batch_size, self.strategy, self.seed = num_epoch, batch_size, strategy, seed
        moment = datetime.datetime.now().strftime("%Y%m%d%H%M%S%f")
        self.checkpoint_dir = Path(checkpoint_dir or f"output/hub/ckpt_{moment}")

    def __repr__(self):
        return f"RunConfig(num_epoch={self.num_epoch}, batch_size={self.batch_size}, strategy={self.strategy})"
