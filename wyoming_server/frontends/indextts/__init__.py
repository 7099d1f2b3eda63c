"""The front end IndexTTS: whole texts up, whole WAVs down, on a websocket of the HTTP port and of a port of its own."""
