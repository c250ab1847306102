"""What holds for every test."""

import warnings

from hypothesis import HealthCheck, settings

from tests.support.fuzzing import examples

with warnings.catch_warnings():
    # Importing mitmproxy warns (its grammar and its LDAP addon use old names); ours must not.
    warnings.simplefilter("ignore")
    import mitmproxy.addons  # noqa: F401

# How long an example takes tells about the machine, not about the code.
settings.register_profile(
    "any machine",
    settings(),
    max_examples=examples(100),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("any machine")
