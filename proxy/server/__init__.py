"""The process: event loop, vetted dialling, control socket, reload."""
