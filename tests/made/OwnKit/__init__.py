"""A kit of someone else's: its own dataset, transform, sampler, model, loss, metric, task and trainer, a file each."""
