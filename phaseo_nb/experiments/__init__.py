"""Prompts as experiments: sweep, listen blind, rank, report."""
