"""Where the key-encryption key comes from: one interface, one file per source."""
