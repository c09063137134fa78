"""From scores of tokens to texts."""
