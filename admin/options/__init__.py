"""What commands have in common: options, what they mean, and what the shell completes."""
