"""What holds for every test."""

import warnings

with warnings.catch_warnings():
    # Importing mitmproxy warns (its grammar and its LDAP addon use old names); ours must not.
    warnings.simplefilter("ignore")
    import mitmproxy.addons  # noqa: F401
