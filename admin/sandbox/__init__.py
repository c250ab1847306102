"""The wall of `keyhatch run --sandbox`: namespaces, a filtered kernel, and one way out (Linux)."""
