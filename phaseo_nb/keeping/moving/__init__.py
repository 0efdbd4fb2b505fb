"""Takes carried from one library to another: readable files with where each came from."""
