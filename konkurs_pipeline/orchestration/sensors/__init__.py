"""The sensors: the light look that starts a poll early, and the sender of alerts."""
