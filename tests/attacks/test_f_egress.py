"""F: no address inside the network, of this machine or of the clouds is reached."""

import pytest

from tests.attacks.harness.arena import Arena
from tests.attacks.harness.inside import (
    inside,
    nothing_asked,
    nothing_dialled,
    resolves,
    seen,
    shut,
    ways,
)
from tests.attacks.harness.world import HOST

INSIDE = ["127.0.0.1", "169.254.169.254", "10.1.2.3", "192.168.1.1", "::1", "fd00:ec2::254"]


NAMES = ["metadata.google.internal", "metadata.google.internal.", "METADATA.google.internal"]
NAMES += ["metadata", "instance-data.ec2.internal"]


def test_F01_the_clouds_metadata_names_are_refused_unresolved(arena: Arena) -> None:
    inside(arena, "169.254.169.254")
    for name in NAMES:
        resolves(arena, name.rstrip(".").lower(), "169.254.169.254")
        shut(arena, name)
    nothing_asked(arena)


def test_F01_the_clouds_metadata_address_is_refused(arena: Arena) -> None:
    inside(arena, "169.254.169.254")
    shut(arena, "169.254.169.254")


OTHERS = ["fd00:ec2::254", "169.254.170.2", "169.254.170.23", "100.100.100.200", "192.0.0.192"]
OTHERS += ["168.63.129.16", "fd20:ce::254", "fd00:ec2::23"]


def test_F02_other_metadata_addresses_are_refused(arena: Arena) -> None:
    inside(arena, *OTHERS)
    for address in OTHERS:
        shut(arena, address)


@pytest.mark.parametrize("address", INSIDE)
def test_F03_a_public_name_does_not_lead_inside(arena: Arena, address: str) -> None:
    inside(arena, address)
    resolves(arena, "rebind.example", address)
    shut(arena, "rebind.example")


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3"])
def test_F03_a_connectors_name_does_not_lead_inside(arena: Arena, address: str) -> None:
    """The server there has the connector's certificate, and would be given the credential."""
    arena.internet.routes[address, 443] = arena.own.port
    resolves(arena, HOST, address)
    for reply in arena.each_way():
        arena.refused(reply, "egress-denied")
    nothing_dialled(arena)


MIXED = [["93.184.216.99", "127.0.0.1"], ["::1", "93.184.216.99"], ["93.184.216.99", "10.0.0.9"]]


@pytest.mark.parametrize("addresses", MIXED)
def test_F04_one_bad_address_among_good_ones_refuses(arena: Arena, addresses: list[str]) -> None:
    inside(arena, *addresses)
    resolves(arena, "mixed.example", *addresses)
    shut(arena, "mixed.example")


class Flipping(dict[str, list[str]]):
    """Names of which one has another address each time it is asked for."""

    answers = ("93.184.216.99", "127.0.0.1")

    def __getitem__(self, name: str) -> list[str]:
        if name != "flip.example":
            return super().__getitem__(name)
        self.answers = self.answers[1:] + self.answers[:1]
        return [self.answers[-1]]

    def __contains__(self, name: object) -> bool:
        return name == "flip.example" or super().__contains__(name)


def test_F04_the_address_that_was_checked_is_the_one_that_is_dialled(arena: Arena) -> None:
    arena.internet.names = Flipping(arena.internet.names)
    inside(arena, "93.184.216.99")
    arena.internet.routes["127.0.0.1", 443] = arena.own.port
    for _ in range(4):
        reply = arena.agent().connect("flip.example:443")
        assert reply.status in {200, 403, 502}
        arena.agent().get("http://flip.example/")
    assert {address for address, _port in seen(arena).internet.dialled} == {"93.184.216.99"}


MAPPED = ["::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:a00:1", "0:0:0:0:0:ffff:7f00:1"]


@pytest.mark.parametrize("address", MAPPED)
def test_F05_a_mapped_address_is_the_one_within(arena: Arena, address: str) -> None:
    inside(arena, address, "127.0.0.1", "169.254.169.254", "10.0.0.1")
    resolves(arena, "mapped.example", address)
    shut(arena, address)
    shut(arena, "mapped.example")


EMBEDDED = ["64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "2002:7f00:1::"]
EMBEDDED += ["2001:0:4136:e378:8000:63bf:80ff:fffe", "::127.0.0.1", "::ffff:0:127.0.0.1"]


@pytest.mark.parametrize("address", EMBEDDED)
def test_F06_an_address_that_embeds_another_is_refused(arena: Arena, address: str) -> None:
    inside(arena, address)
    resolves(arena, "embedding.example", address)
    shut(arena, address)
    shut(arena, "embedding.example")


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "0.0.0.1"])
def test_F07_no_address_in_particular_is_refused(arena: Arena, address: str) -> None:
    inside(arena, address)
    resolves(arena, "any.example", address)
    shut(arena, address)
    shut(arena, "any.example")


@pytest.mark.parametrize("host", ["0", "0x7f000001", "2130706433", "0177.0.0.1", "127.1", "0x7f.1"])
def test_F07_an_address_in_an_old_spelling_is_refused(arena: Arena, host: str) -> None:
    inside(arena, "127.0.0.1", "0.0.0.0")
    resolves(arena, host, "127.0.0.1")
    for reply in ways(arena, host):
        arena.refused(reply, reply.code if arena.on_keyhatch else "")
        if arena.on_keyhatch:
            assert reply.code in {"egress-denied", "bad-request"}
    nothing_dialled(arena)


LOCAL = ["10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "198.18.0.1", "169.254.1.1"]
LOCAL += ["224.0.0.251", "255.255.255.255", "fd12:3456::1", "fe80::1", "fec0::1", "ff02::fb"]


def test_F10_the_local_network_is_refused(arena: Arena) -> None:
    inside(arena, *LOCAL)
    for address in LOCAL:
        shut(arena, address)


def test_F10_what_the_operator_declares_is_reached(arena: Arena) -> None:
    printer = arena.connector("printer", "printer.corp.example")
    printer.fields["dial"] = f"127.0.0.1:{printer.upstream.port}"
    for reply in arena.each_way(host="printer.corp.example"):
        assert reply.status == 200
    port = printer.upstream.port
    arena.refused(arena.agent().connect(f"127.0.0.1:{port}"), "egress-denied")
    arena.refused(arena.agent().get(f"http://127.0.0.1:{port}/"), "egress-denied")
