"""The search for a configuration: its space, the strategies, the trials, and the study that several workers share."""
