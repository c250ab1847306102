"""Which addresses and ports may be reached (invariant 11).

One table holds every range that is not somebody's public server. Sources: the IANA special-purpose
address registries for IPv4 and IPv6 (RFC 6890), the IANA IPv6 address space registry, and the
clouds' documentation for their metadata services.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final

type Address = IPv4Address | IPv6Address

# The first range that holds an address gives the reason, so the metadata services come first.
# Ranges inside a refused one are listed only where their reason says more.
RANGES: Final[tuple[tuple[str, str], ...]] = (
    ("169.254.169.254/32", "metadata"),  # AWS, GCP, Azure, Oracle, DigitalOcean, OpenStack
    ("169.254.170.2/32", "metadata"),  # AWS ECS task credentials
    ("169.254.170.23/32", "metadata"),  # AWS EKS pod identity
    ("168.63.129.16/32", "metadata"),  # Azure WireServer: a public address, answered by the host
    ("100.100.100.200/32", "metadata"),  # Alibaba Cloud
    ("192.0.0.192/32", "metadata"),  # Oracle Cloud at Customer
    ("fd00:ec2::254/128", "metadata"),  # AWS, IPv6
    ("fd00:ec2::23/128", "metadata"),  # AWS EKS pod identity, IPv6
    ("fd20:ce::254/128", "metadata"),  # GCP, IPv6
    ("0.0.0.0/8", "unspecified"),  # RFC 791, 3.2: this host on this network
    ("10.0.0.0/8", "private"),  # RFC 1918
    ("100.64.0.0/10", "carrier-nat"),  # RFC 6598
    ("127.0.0.0/8", "loopback"),  # RFC 1122, 3.2.1.3
    ("169.254.0.0/16", "link-local"),  # RFC 3927
    ("172.16.0.0/12", "private"),  # RFC 1918
    # RFC 6890, whole: also 192.0.0.9 and .10, globally reachable by name, answer from the nearest
    # NAT (RFC 7723, RFC 8155).
    ("192.0.0.0/24", "protocol-assignment"),
    ("192.0.2.0/24", "documentation"),  # RFC 5737
    ("192.88.99.0/24", "6to4"),  # RFC 7526: the deprecated relay anycast
    ("192.168.0.0/16", "private"),  # RFC 1918
    ("198.18.0.0/15", "benchmarking"),  # RFC 2544
    ("198.51.100.0/24", "documentation"),  # RFC 5737
    ("203.0.113.0/24", "documentation"),  # RFC 5737
    ("224.0.0.0/4", "multicast"),  # RFC 5771
    ("255.255.255.255/32", "broadcast"),  # RFC 919
    ("240.0.0.0/4", "reserved"),  # RFC 1112, 4
    ("::/128", "unspecified"),  # RFC 4291, 2.5.2
    ("::1/128", "loopback"),  # RFC 4291, 2.5.3
    ("::/96", "ipv4-compatible"),  # RFC 4291, 2.5.5.1: deprecated
    ("64:ff9b::/96", "nat64"),  # RFC 6052
    ("64:ff9b:1::/48", "nat64"),  # RFC 8215: local use
    ("100::/64", "discard"),  # RFC 6666
    ("100:0:0:1::/64", "discard"),  # RFC 9780: dummy prefix
    ("2001::/32", "teredo"),  # RFC 4380
    ("2001:2::/48", "benchmarking"),  # RFC 5180
    ("2001:10::/28", "orchid"),  # RFC 4843: deprecated
    ("2001:20::/28", "orchid"),  # RFC 7343: hashes of keys, not routed
    ("2001::/23", "protocol-assignment"),  # RFC 2928: the rest of it
    ("2001:db8::/32", "documentation"),  # RFC 3849
    ("2002::/16", "6to4"),  # RFC 3056
    ("3fff::/20", "documentation"),  # RFC 9637
    ("5f00::/16", "segment-routing"),  # RFC 9602
    ("fc00::/7", "unique-local"),  # RFC 4193
    ("fe80::/10", "link-local"),  # RFC 4291, 2.5.6
    ("fec0::/10", "site-local"),  # RFC 3879: deprecated
    ("ff00::/8", "multicast"),  # RFC 4291, 2.7
    # Only 2000::/3 is global unicast (IANA IPv6 address space); the rest is nobody's yet.
    ("::/3", "reserved"),
    ("4000::/2", "reserved"),
    ("8000::/1", "reserved"),
)

# A tunnel to a host that belongs to no connector carries bytes that nobody reads. It is meant for
# the web: 443 and 80. An operator may name high ports of a host besides, without those where a
# well-known service would act on what an agent writes there, mostly unauthenticated.
WEB_PORTS: Final = frozenset({80, 443})
FIRST_HIGH_PORT: Final = 1024
LAST_PORT: Final = 65535

# Above 1023: the WHATWG Fetch "bad ports" (2.9), then services by name.
FETCH_BAD_PORTS: Final = frozenset(
    {1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6679, 6697, 10080}
) | frozenset(range(6665, 6670))
SERVICE_PORTS: Final[dict[str, tuple[int, ...]]] = {
    "ActiveMQ": (61613, 61616),
    "AMQP": (5671, 5672, 15672),
    "Cassandra": (7000, 7001, 9042, 9160),
    "Consul": (8300, 8301, 8302, 8500, 8501),
    "containerd and Docker": (2375, 2376, 2377),
    "CouchDB": (5984, 6984),
    "Elasticsearch": (9200, 9300),
    "Erlang": (4369,),
    "etcd": (2379, 2380),
    "Git": (9418,),
    "Hadoop": (8020, 9000, 50070, 50075),
    "Kafka and ZooKeeper": (2181, 2888, 3888, 9092, 9093),
    "Kubernetes": (6443, 10248, 10249, 10250, 10255, 10256, 10257, 10259),
    "LDAP global catalogue": (3268, 3269),
    "Memcached": (11211,),
    "MongoDB": (27017, 27018, 27019),
    "MQTT": (1883, 8883),
    "multicast DNS and LLMNR": (5353, 5355),
    "MySQL": (3306, 33060),
    "NATS": (4222, 6222, 8222),
    "Oracle": (1521, 2483, 2484),
    "PostgreSQL": (5432, 6432),
    "printers": (9100,),
    "proxies": (1080, 3128),
    "Redis": (6379, 6380, 16379, 26379),
    "remote desktops": (3389, *range(5900, 5910)),
    "remote shells": (2222, 5985, 5986),
    "SMTP": (2525,),
    "SQL Server": (1433, 1434),
    "TURN": (3478, 5349),
    "Vault": (8200, 8201),
    "X11": tuple(range(6000, 6064)),
    "XMPP": (5222, 5223, 5269),
}
_REFUSED_HIGH: Final = FETCH_BAD_PORTS.union(*SERVICE_PORTS.values())


def refusal_of(address: Address) -> str | None:
    """Return in one word why an address is not dialled, or None where it may be.

    An IPv4-mapped address (`::ffff:a.b.c.d`) counts as the IPv4 address that it reaches; every
    other range that embeds one is refused whole. A zone (`fe80::1%eth0`) is refused as such.
    """
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return "zoned"
        if address.ipv4_mapped is not None:
            return refusal_of(address.ipv4_mapped)
    number = int(address)
    for first, last, reason in _BOUNDS[address.version]:
        if first <= number <= last:
            return reason
    return None


def refused_port(port: int) -> bool:
    """Tell whether a port of a host that belongs to no connector is never open to agents."""
    if port in WEB_PORTS:
        return False
    return not FIRST_HIGH_PORT <= port <= LAST_PORT or port in _REFUSED_HIGH


def _bounds(network: IPv4Network | IPv6Network, reason: str) -> tuple[int, int, str]:
    return int(network.network_address), int(network.broadcast_address), reason


_NETWORKS: Final = tuple((ip_network(text), reason) for text, reason in RANGES)
# Compared as numbers: an `in` on a network costs ten times as much.
_BOUNDS: Final = {
    version: tuple(_bounds(net, reason) for net, reason in _NETWORKS if net.version == version)
    for version in (4, 6)
}
