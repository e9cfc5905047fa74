"""What ``/v1/tasks`` is asked and answers, a file for each shape."""
