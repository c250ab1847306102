"""What every grant is: a function from a client and its secrets to a token request."""

from typing import Protocol

from config.oauth import OAuthClient
from proxy.oauth.client_auth import ClientKeys, Moment, authenticate
from proxy.oauth.request import HttpRequest, Parameters, build_request, with_extras


class Mint(Protocol):
    """A grant that gets a token set with nothing but the client's own secrets, at any time."""

    def __call__(self, client: OAuthClient, keys: ClientKeys, moment: Moment) -> HttpRequest:
        """Return the token request. Raises OperatorNeededError where a secret is missing."""
        ...


def token_request(
    client: OAuthClient,
    keys: ClientKeys,
    moment: Moment,
    *,
    parameters: Parameters,
    url: str = "",
) -> HttpRequest:
    """Return a request to the token endpoint: the grant's parameters, the client's proof, extras.

    `url` is another endpoint that takes the same kind of request. Each `resource` is its own
    parameter (RFC 8707). The connector's extra parameters never replace the grant's own.
    """
    proof = authenticate(client, keys, moment)
    resources = tuple(("resource", resource) for resource in client.resource)
    own = (*parameters, *resources, *proof.parameters)
    return build_request(
        "POST",
        url or client.token_url,
        parameters=with_extras(own, client.token_params),
        body=client.token_body,
        headers=proof.headers,
    )


def scope_of(client: OAuthClient) -> str:
    """Return the scopes that are asked for, written the way the service wants them."""
    return client.scope_separator.join(client.scopes)
