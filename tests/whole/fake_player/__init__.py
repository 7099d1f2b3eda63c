"""A media player for tests/whole, in Home Assistant's configuration: what is played to it is kept in the folder `heard`."""
