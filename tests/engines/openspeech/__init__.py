"""The engine `openspeech`."""
