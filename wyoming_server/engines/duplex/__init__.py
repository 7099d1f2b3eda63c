"""What engines share whose service speaks in duplex sessions: a start, text in fragments up, audio down, one end."""
