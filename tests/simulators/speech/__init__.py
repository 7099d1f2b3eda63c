"""What the simulators of speech synthesis share: how a text sounds and, where it is spoken in sessions, how a connection goes."""
