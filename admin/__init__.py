"""The operator's side: command line and composition root."""
