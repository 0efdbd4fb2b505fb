"""Bytes on the wire: which addresses may be reached, how long, how much, how often."""
