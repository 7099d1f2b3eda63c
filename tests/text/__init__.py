"""Tests of `wyoming_server.text`."""
