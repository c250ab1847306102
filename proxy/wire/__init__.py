"""Pure functions and sans-io objects over HTTP messages: hygiene, placement, scrubbing."""
