"""Tests of the engine `indextts`."""
