"""Tests of the engine `dashscope`."""
