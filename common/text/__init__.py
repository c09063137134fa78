"""Text: tokenization, vocabularies, WordPiece and SentencePiece, sliding windows over long texts."""
