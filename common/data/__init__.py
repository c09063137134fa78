"""Reading, augmenting and batching samples; numpy and OpenCV only."""
