from proxy.wire.fields import get_all, has, members, with_field, without

FIELDS = ((b"Host", b"a"), (b"X-Key", b"1"), (b"x_key", b"2"), (b"X-KEY", b"3"))


def test_names_are_found_in_any_case_but_only_in_their_own_spelling() -> None:
    assert get_all(FIELDS, b"x-key") == (b"1", b"3")
    assert has(FIELDS, b"host")
    assert not has(FIELDS, b"x-ke")


def test_removal_takes_the_underscore_spelling_as_well() -> None:
    """WSGI and CGI upstreams read both spellings into one variable."""
    assert without(FIELDS, {b"x-key"}) == ((b"Host", b"a"),)


def test_with_field_leaves_exactly_one() -> None:
    assert with_field(FIELDS, b"X-Key", b"9") == ((b"Host", b"a"), (b"X-Key", b"9"))


def test_members_of_list_fields_come_trimmed_in_lower_case_without_empty_ones() -> None:
    assert list(members((b"Close, ,X-A", b"\tb "))) == [b"close", b"x-a", b"b"]
