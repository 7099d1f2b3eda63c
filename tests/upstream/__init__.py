"""The ways to a service, and trying again."""
