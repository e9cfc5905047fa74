"""The applications, one small file each, all of one shape."""
