"""What the predictions of each task mean: records to read, images to look at."""
