"""Text: splitting, word pieces, vocabularies, windows over long texts."""
