"""Sound: reading recordings, features, augmentation, CTC labels and beam search."""
