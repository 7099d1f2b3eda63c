"""What Herald keeps in its state directory: the pairing token, stored credentials, the server's id. Small files, mode 0600."""
