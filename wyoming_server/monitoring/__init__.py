"""What happens, told to whoever watches: events, metrics, usage, the states of services, and failures in words.

Numbers, names and sentences; never spoken text, never a credential. Nobody who speaks ever waits for anything here.
"""
