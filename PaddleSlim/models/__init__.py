"""What a configuration's `slim:` may name."""
