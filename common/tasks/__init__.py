"""What the exported answer of each task means: records to read, pictures to look at."""
