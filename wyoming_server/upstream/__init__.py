"""The ways to a service behind Herald, what goes wrong there in words, and trying again. Knows no engine and no converter."""
