from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from proxy.policy.egress import (
    FETCH_BAD_PORTS,
    RANGES,
    SERVICE_PORTS,
    refusal_of,
    refused_port,
)

# IANA IPv4 and IPv6 special-purpose registries: the entries not marked globally reachable.
SPECIAL = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "255.255.255.255/32",
    "::1/128",
    "::/128",
    "::/96",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "100:0:0:1::/64",
    "2001::/23",
    "2001::/32",
    "2001:2::/48",
    "2001:10::/28",
    "2001:20::/28",
    "2001:db8::/32",
    "2002::/16",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
]
# Public in Python's eyes and refused all the same: the nearest gateway, a cloud's host, tunnels.
NOT_PUBLIC = [
    ip_network(text)
    for text in ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32", "2001::/23", "2002::/16")
]

IPV4 = st.integers(0, 2**32 - 1).map(IPv4Address)
IPV6 = st.one_of(st.integers(0, 2**128 - 1), st.integers(0x2000 << 112, (0x4000 << 112) - 1)).map(
    IPv6Address
)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("169.254.169.254", "metadata"),
        ("fd00:ec2::254", "metadata"),
        ("169.254.170.2", "metadata"),
        ("169.254.170.23", "metadata"),
        ("100.100.100.200", "metadata"),
        ("192.0.0.192", "metadata"),
        ("168.63.129.16", "metadata"),
        ("::ffff:169.254.169.254", "metadata"),
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("0.0.0.0", "unspecified"),
        ("::", "unspecified"),
        ("::ffff:0.0.0.0", "unspecified"),
        ("10.1.2.3", "private"),
        ("172.31.255.255", "private"),
        ("192.168.1.1", "private"),
        ("100.64.0.1", "carrier-nat"),
        ("198.18.0.1", "benchmarking"),
        ("255.255.255.255", "broadcast"),
        ("224.0.0.251", "multicast"),
        ("ff02::fb", "multicast"),
        ("240.0.0.1", "reserved"),
        ("fc00::1", "unique-local"),
        ("fe80::1", "link-local"),
        ("fe80::1%eth0", "zoned"),
        ("2606:4700::1111%eth0", "zoned"),
        ("fec0::1", "site-local"),
        ("::127.0.0.1", "ipv4-compatible"),
        ("::8.8.8.8", "ipv4-compatible"),
        ("64:ff9b::7f00:1", "nat64"),
        ("64:ff9b:1::7f00:1", "nat64"),
        ("2002:7f00:1::", "6to4"),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "teredo"),
        ("2001:20::1", "orchid"),
        ("4000::1", "reserved"),
        ("1::1", "reserved"),
    ],
)
def test_an_address_that_is_nobodys_public_server_is_refused(address: str, reason: str) -> None:
    assert refusal_of(ip_address(address)) == reason


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "172.32.0.1", "2606:4700:4700::1111", "::ffff:8.8.8.8"]
)
def test_a_public_address_passes(address: str) -> None:
    assert refusal_of(ip_address(address)) is None


@given(st.sampled_from(SPECIAL), st.data())
def test_invariant_11_no_address_of_a_special_purpose_range_passes(
    text: str, data: st.DataObject
) -> None:
    network = ip_network(text)
    offset = data.draw(st.integers(0, network.num_addresses - 1))
    address = network[offset]
    assert refusal_of(address) is not None
    if isinstance(address, IPv4Address):
        assert refusal_of(IPv6Address(f"::ffff:{address}")) == refusal_of(address)


@given(st.one_of(IPV4, IPV6))
def test_every_global_unicast_address_passes(address: IPv4Address | IPv6Address) -> None:
    assume(address.is_global and not address.is_multicast and not address.is_reserved)
    assume(not any(address in network for network in NOT_PUBLIC))
    assume(not (isinstance(address, IPv6Address) and address.is_site_local))
    special = any(address in ip_network(text) for text in SPECIAL)  # older Pythons know fewer
    assert (refusal_of(address) is not None) == special


@given(st.one_of(IPV4, IPV6))
def test_what_python_does_not_call_global_is_refused(address: IPv4Address | IPv6Address) -> None:
    assume(not address.is_global)
    assume(address.version == 4 or not address.ipv4_mapped)  # before 3.13 Python does not unmap
    assert refusal_of(address) is not None


def test_a_range_that_stands_behind_a_wider_one_would_never_be_its_reason() -> None:
    networks = [ip_network(text) for text, _ in RANGES]
    for place, network in enumerate(networks):
        for earlier in networks[:place]:
            if earlier.version == network.version:
                assert (
                    not int(earlier.network_address)
                    <= int(network.network_address)
                    <= int(network.broadcast_address)
                    <= int(earlier.broadcast_address)
                ), f"{network} is hidden by {earlier}"


@pytest.mark.parametrize("port", [443, 80, 8443, 8080, 3000, 5000, 8888, 65535])
def test_ports_of_the_web_pass(port: int) -> None:
    assert not refused_port(port)


@pytest.mark.parametrize(
    "port",
    [
        -1,
        0,
        1,
        22,
        25,
        53,
        111,
        389,
        445,
        465,
        587,
        993,
        1023,
        65536,
        2375,
        2379,
        3306,
        5353,
        5432,
        6379,
        6443,
        9200,
        10250,
        11211,
        27017,
    ],
)
def test_ports_of_other_services_do_not(port: int) -> None:
    assert refused_port(port)


@given(st.integers(1024, 65535))
def test_a_high_port_is_refused_exactly_when_it_is_listed(port: int) -> None:
    listed = port in FETCH_BAD_PORTS or any(port in ports for ports in SERVICE_PORTS.values())
    assert refused_port(port) == listed
