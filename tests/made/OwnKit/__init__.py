"""A kit of someone else's: its own data set, transform, sampler, model, loss, metric, task and trainer, a file each."""
