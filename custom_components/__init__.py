"""Custom components of Home Assistant; a package, so that tests can import what stands here."""
