"""Tests of the command `herald`."""
