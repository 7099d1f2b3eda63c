"""Finished replies, kept."""
