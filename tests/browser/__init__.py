"""What only a real browser can show: headless Chromium, driven over its own debugging protocol."""
