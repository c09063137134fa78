"""Data loading: samplers, transform pipelines, worker processes, data checks; NumPy and OpenCV only."""
