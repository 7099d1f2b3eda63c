"""Measures Herald as its users meet it: whole processes over loopback, against a floor in the same run. Ships with no package."""
