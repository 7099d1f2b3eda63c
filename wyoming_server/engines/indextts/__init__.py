"""Voices of an IndexTTS websocket service: somebody's voice and mood, imitated from short recordings on the service's machine."""
