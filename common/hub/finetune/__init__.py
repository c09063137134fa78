"""The fine-tune API: strategies, the settings of a run, and tasks, over the same run as the commands."""
