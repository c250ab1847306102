"""What the running proxy tells of itself in figures: what is counted, and who may read it."""
