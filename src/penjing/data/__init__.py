"""Raw files become checked rows: sources, duplicates, overlap, splits. Memory does not grow with the files."""
