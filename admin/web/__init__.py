"""The settings page and its HTTP API: the same operations as the command line, in a browser."""
