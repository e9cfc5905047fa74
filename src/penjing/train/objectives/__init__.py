"""What can be learned, one file an objective."""
