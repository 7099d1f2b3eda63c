"""Tests of the engine `flowing`."""
