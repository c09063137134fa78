"""Networks that map images to vectors whose distances tell how alike the images are."""
