"""Tests of the engine `wyoming`, and of the client that it shares with the command line."""
