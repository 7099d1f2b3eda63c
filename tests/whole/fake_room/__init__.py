"""A loudspeaker for tests/whole, in Home Assistant's configuration: what it plays is written down in the folder `rooms`."""
