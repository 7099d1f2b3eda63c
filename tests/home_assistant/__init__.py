"""Everything that needs Home Assistant."""
