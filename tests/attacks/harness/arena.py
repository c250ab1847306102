"""The arena: a product, its connector's own upstream, a foreign one, and an attacker between them."""

import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from proxy.problems import KINDS, ProblemCode
from tests.attacks.harness.agents import Agent, H2Agent
from tests.attacks.harness.catalogue import CONTROL, KEYHATCH
from tests.attacks.harness.oracle import Oracle
from tests.attacks.harness.products import KeyhatchLane, KeyhatchProcess, Product
from tests.attacks.harness.upstream import Behaviour, PlaceOfCertificates, Upstream, pages
from tests.attacks.harness.world import EVIL, HOST, Declared, World
from tests.support.raw_client import Reply, proxy_authorization

SETTLING: Final = 0.5  # seconds in which what the control forwards must have come

type Start = Callable[[World], Product]


class Arena:
    """One attack's world. It starts with a connector `hub`, answered by `own`, and a host `evil`.

    What a product is to know (connectors, settings) is said before the first `agent`; upstreams
    and names may come at any time. After the test everything is ended, then searched.
    """

    def __init__(
        self, folder: Path, certificates: PlaceOfCertificates, oracle: Oracle, start: Start
    ) -> None:
        self.certificates = certificates
        self.oracle = oracle
        self.world = World(folder, certificates.pem)
        self.internet = self.world.internet
        self._start = start
        self._product: Product | None = None
        self._upstreams: list[Upstream] = []
        self._agents: list[Agent] = []
        self._untouched: list[Upstream] = []
        self.evil = self.foreign(EVIL, p80=True)
        self.hub = self.connector("hub", HOST)
        self.own = self.hub.upstream

    # -- before the attack ------------------------------------------------------------------

    def connector(
        self,
        slug: str,
        *hosts: str,
        behave: Behaviour = pages,
        protocols: tuple[str, ...] = ("http/1.1",),
        context: ssl.SSLContext | None = None,
        **fields: Any,
    ) -> Declared:
        """Declare a connector with a secret of its own, answered at its hosts by its own upstream."""
        names = tuple(host.partition(":")[0] for host in hosts)
        found = self._upstream(
            context or self.certificates.context(*names), slug, behave, protocols
        )
        declared = Declared(slug, hosts, self.oracle.plant(), found, fields)
        self.world.connectors[slug] = declared
        for name in (name for name in names if not name.startswith("*")):
            self.internet.host(name, p443=found.port, p80=found.port)
        self.oracle.watch(found.told, may_hold=[declared.secret])
        self.oracle.watch(lambda: found.told_amiss(*names))
        return declared

    def foreign(
        self,
        *names: str,
        behave: Behaviour = pages,
        protocols: tuple[str, ...] = ("http/1.1",),
        context: ssl.SSLContext | None = None,
        p80: bool = False,
    ) -> Upstream:
        """Put up a server that belongs to no connector, at its names' port 443 (and 80)."""
        found = self._upstream(
            context or self.certificates.context(*names), names[0], behave, protocols
        )
        for name in names:
            self.internet.host(name, p443=found.port, **({"p80": found.port} if p80 else {}))
        self.oracle.watch(found.told)
        return found

    # -- the attack -------------------------------------------------------------------------

    @property
    def product(self) -> Product:
        """The product, started when it is first asked for."""
        if self._product is None:
            self._product = self._start(self.world)
            self.oracle.watch(self._product.told)
        return self._product

    @property
    def on_keyhatch(self) -> bool:
        return self.product.kind == KEYHATCH

    @property
    def lane(self) -> KeyhatchLane:
        """Keyhatch's lane; for rows that have no control."""
        assert isinstance(self.product, KeyhatchLane)
        return self.product

    @property
    def process(self) -> KeyhatchProcess:
        """Keyhatch's process; for rows that have no control."""
        assert isinstance(self.product, KeyhatchProcess)
        return self.product

    @property
    def authorization(self) -> str:
        """The field line that a request to the proxy port needs."""
        return proxy_authorization(self.product.token)

    def agent(self, *, token: str | None = "") -> Agent:
        """Return a new connection to the proxy; the agent's own token unless another is given."""
        product = self.product
        chosen = product.token if token == "" else token
        agent = Agent(product.port, chosen, product.patience)
        self._agents.append(agent)
        self.oracle.watch(agent.told)
        return agent

    def tunnel(
        self,
        target: str = f"{HOST}:443",
        *,
        name: str | None = None,
        protocols: tuple[str, ...] = (),
        verify: bool = True,
    ) -> Agent:
        """Return a connection with TLS in a tunnel; its TLS name is the target's unless given."""
        agent = self.agent()
        reply = agent.connect(target)
        assert reply.status == 200, reply.raw
        agent.start_tls(self.trust(*protocols, verify=verify), name or target.rpartition(":")[0])
        return agent

    def each_way(self, *fields: str, host: str = HOST, path: str = "/") -> Iterator[Reply]:
        """Call a connector in each way that a product promises to encrypt, and yield the answers.

        In a tunnel; on Keyhatch by a plain http:// call as well, which the control sends in clear.
        """
        yield self.tunnel(f"{host}:443").request("GET", path, f"Host: {host}", *fields)
        if self.on_keyhatch:
            yield self.agent().get(f"http://{host}{path}", *fields)

    def tunnel_h2(self, target: str = f"{HOST}:443") -> H2Agent:
        """Return a tunnel in which HTTP/2 is spoken."""
        agent = H2Agent(self.tunnel(target, protocols=("h2",)))
        self.oracle.watch(agent.told)
        return agent

    def trust(self, *protocols: str, verify: bool = True) -> ssl.SSLContext:
        """Return a client's context that trusts the product's CA and the world's."""
        context = ssl.create_default_context(cafile=str(self.product.ca_file))
        context.load_verify_locations(cadata=self.certificates.pem.decode())
        if protocols:
            context.set_alpn_protocols(list(protocols))
        if not verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    # -- what came of it --------------------------------------------------------------------

    def refused(self, reply: Reply, code: str, status: int | None = None) -> None:
        """Hold that a request was refused: by Keyhatch with this code, by the control at all."""
        if not self.on_keyhatch:
            assert reply.status >= 400, f"answered with {reply.status}"
            return
        expected = status or KINDS[ProblemCode(code)].status
        assert (reply.status, reply.code) == (expected, code)

    def nothing_forwarded(self, *upstreams: Upstream) -> None:
        """Hold that no byte reached these upstreams (or any), now and until the end of the test."""
        chosen = list(upstreams or self._upstreams)
        if self.product.kind == CONTROL:
            deadline = time.monotonic() + SETTLING
            while not any(found.forwarded for found in chosen) and time.monotonic() < deadline:
                time.sleep(0.02)
        self._untouched += chosen
        self._check_untouched()

    def records(self) -> list[dict[str, Any]]:
        """Return Keyhatch's audit records; for rows that have no control."""
        return self.lane.lane.records()

    # -- the end ----------------------------------------------------------------------------

    def close(self) -> None:
        """End everything, clients first, so that nothing is under way any more."""
        for agent in self._agents:
            agent.close()
        if self._product is not None:
            self._product.close()
        for upstream in self._upstreams:
            upstream.close()

    def judge(self) -> None:
        """Search everything; raises LeakError. Also holds what was to stay untouched."""
        self._check_untouched()
        self.oracle.watch(
            lambda: [("a name that DNS was asked for", n.encode()) for n in self.internet.asked]
        )
        self.oracle.judge()

    def _check_untouched(self) -> None:
        for upstream in self._untouched:
            assert not upstream.forwarded, f"{upstream.name} received {upstream.forwarded[:200]!r}"

    def _upstream(
        self, context: ssl.SSLContext, name: str, behave: Behaviour, protocols: tuple[str, ...]
    ) -> Upstream:
        upstream = Upstream(context, name=name, behave=behave, protocols=protocols)
        self._upstreams.append(upstream)
        return upstream
