"""What the simulators of all vendors' services share; what one protocol says or does stands in its own folder."""
