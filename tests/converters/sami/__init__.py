"""Tests of the converter `sami`."""
