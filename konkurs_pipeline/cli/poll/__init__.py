"""Commands that poll: once, over days, in rehearsal, and the demo."""
