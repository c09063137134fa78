"""Simple baselines of a task, fitted to the data of a configuration, to compare a model with."""
