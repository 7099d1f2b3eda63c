"""What the simulators of duplex speech services share (flowing, dashscope): everything but a service's own words and rules."""
