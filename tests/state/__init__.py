"""What is kept in the state directory."""
