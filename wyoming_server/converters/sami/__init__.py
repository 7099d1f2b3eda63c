"""Voices of SAMI, Volcengine's speech and audio service: speech, live, in the voice of somebody whom it lists."""
