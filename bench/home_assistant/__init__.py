"""What Home Assistant adds to a reply: real releases of it, each a process, before one server. `command.main` runs it.

It stands apart from the other benches, since Home Assistant has to be brought first: script/home_assistant does that.
"""
