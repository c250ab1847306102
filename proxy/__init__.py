"""What becomes of a request: policy, wire format, vault, audit. Knows no lane and no CLI."""
