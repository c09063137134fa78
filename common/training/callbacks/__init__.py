"""What watches a training run, one file each."""
