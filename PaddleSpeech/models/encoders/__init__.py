"""From features of sound to features of what is said."""
