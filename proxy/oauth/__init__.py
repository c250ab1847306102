"""OAuth: tokens that are obtained, kept, refreshed and revoked."""
