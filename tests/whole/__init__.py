"""The whole: a real `hass` in a process of its own, with the integration in its configuration, and a running server beside it.

It runs on the project's own Python, and knows Home Assistant from outside alone: by its REST interface, and in a browser.
HERALD_HASS names the Home Assistant, as script/home_assistant prints it.
"""
