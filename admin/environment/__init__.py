"""The variables that lead an agent to the proxy."""
