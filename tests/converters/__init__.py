"""Tests of the voice converters: one contract for all of them, then each by itself."""
