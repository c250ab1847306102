"""What `keyhatch doctor` looks at, and what it makes of it."""
