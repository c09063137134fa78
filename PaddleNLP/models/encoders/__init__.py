"""From ids to features."""
