"""The conformance suite: what the pool must say and do on the wire, checked from outside. README.md is its page."""
