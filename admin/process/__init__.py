"""What the processes of Keyhatch do about themselves and about those they start."""
