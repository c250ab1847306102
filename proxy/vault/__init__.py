"""Encrypted storage of credentials, bound to where they may go."""
