"""Keys of named things."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from config.destination import canonical_host
from config.errors import UsageError
from config.slug import MAX_SLUG, is_slug, slugify


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Support inbox", "support-inbox"),
        ("  HubSpot — API!  ", "hubspot-api"),
        ("Ångström & Co.", "angstrom-co"),
        ("a__b", "a-b"),
        ("42", "42"),
    ],
)
def test_a_name_becomes_its_slug(name: str, slug: str) -> None:
    assert slugify(name) == slug


@given(st.text(max_size=MAX_SLUG))
def test_a_slug_is_a_slug_of_itself_and_a_label(name: str) -> None:
    try:
        slug = slugify(name)
    except UsageError:
        return
    assert is_slug(slug)
    assert slugify(slug) == slug
    assert canonical_host(f"{slug}.connector.keyhatch.internal").startswith(slug)


@given(st.text(alphabet="ab1-.A_ü\n", max_size=8))
@example("xn--a")
def test_only_what_slugify_makes_is_a_slug(text: str) -> None:
    try:
        made = slugify(text) == text
    except UsageError:
        made = False
    assert is_slug(text) == made


@pytest.mark.parametrize("name", ["", "—", "日本", "a" * 64])
def test_a_name_without_slug_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        slugify(name)
