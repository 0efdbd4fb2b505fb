"""Music generation in a Jupyter notebook."""
