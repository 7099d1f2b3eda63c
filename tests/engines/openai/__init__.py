"""Tests of the engine `openai`."""
