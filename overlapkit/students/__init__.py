"""Which rows a strong model learns from, and the strong model itself."""
