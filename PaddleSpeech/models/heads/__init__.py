"""From features to raw scores."""
