"""From features to raw predictions and answers."""
