"""Tests of `wyoming_server.audio`."""
