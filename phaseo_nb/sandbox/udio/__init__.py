"""udioapi.pro's surface: three generations of its API over the same jobs."""
