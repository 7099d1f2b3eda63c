"""Announcements: on whom, whose turn it is, what is streamed to them, and how each kind of player plays and stops it."""
