"""The engine `wyoming`: any Wyoming text-to-speech server, such as Piper; and the client of one that the command line uses."""
