"""The local certificate authority, its leaves and the trust bundles that clients read."""
