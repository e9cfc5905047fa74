"""What Penjing serves over HTTP: thin doors to the floors below."""
