"""One synthesis that several listeners hear: `shares` is the table of them, `share` one of them, `text` what it speaks."""
