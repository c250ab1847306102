"""What the command line, the HTTP API and the settings page all do, whoever asks."""
