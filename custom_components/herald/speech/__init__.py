"""What a text-to-speech entity does: `voices` it offers, `formats` it answers in, a `reply` and those that run (`replies`)."""
