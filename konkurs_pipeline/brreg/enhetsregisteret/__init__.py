"""Enhetsregisteret, the second source: open data of Brreg on every company and sole proprietorship."""
