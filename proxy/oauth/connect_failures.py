"""Why a connector could not be connected, in the words of the one who has to mend it."""

from typing import Final

from config.errors import KeyhatchError
from config.oauth import Grant, OAuthClient
from proxy.oauth.authorize import CallbackFault, CallbackProblem
from proxy.oauth.failure import FailureKind, TokenFailure


class ConnectError(KeyhatchError):
    """The provider gave no tokens; whatever was stored before is still there."""


AGAIN: Final = "run the command again when you are ready"
_BY_WORD: Final = {
    "redirect_uri_mismatch": "register the redirect address with the provider exactly as it is here",
    "bad_redirect_uri": "register the redirect address with the provider exactly as it is here",
    "invalid_scope": "compare `scopes` in connectors.yaml with what the provider lets this application ask for",
    "unauthorized_client": "let the application use this grant in the provider's settings",
    "unsupported_grant_type": "the provider does not know this grant; see `grant` in connectors.yaml",
    "device_flow_disabled": "switch the device flow on in the provider's settings of the application",
    "invalid_target": "see `resource` and `audience` in connectors.yaml",
}
_USED_UP: Final = {
    Grant.AUTHORIZATION_CODE: "the code of a consent is good once and for a minute: run the command again",
    Grant.DEVICE_CODE: "run the command again",
    Grant.REFRESH_TOKEN: "paste the newest refresh token of this application; one that was used may be dead",
}


def no_tokens(failure: TokenFailure, client: OAuthClient, grant: Grant) -> ConnectError:
    """Return the error for an answer of the token endpoint that gave none."""
    match failure.kind:
        case FailureKind.INVALID_CLIENT:
            return ConnectError(
                f"the provider does not accept the client id or secret ({failure.error})",
                hint="compare the client id with the provider's, then store the secret again with "
                "`keyhatch connector set`",
            )
        case FailureKind.INVALID_GRANT:
            return ConnectError(
                f"the provider does not accept {_what(grant)} ({failure.error})",
                hint=_USED_UP.get(
                    grant, "check the key, the clock of this machine and `assertion`"
                ),
            )
        case FailureKind.UNAVAILABLE:
            return ConnectError(
                f"the provider gave no usable answer ({failure.error})", hint="try again later"
            )
        case FailureKind.DENIED:
            return ConnectError("the consent was declined", hint=AGAIN)
        case FailureKind.EXPIRED:
            return ConnectError("nobody consented in time", hint=AGAIN)
        case _:
            return ConnectError(
                f"the provider refused the request ({failure.error})",
                hint=_BY_WORD.get(failure.error, _look_at(client)),
            )


def no_code(problem: CallbackProblem, client: OAuthClient) -> ConnectError:
    """Return the error for a redirect that ended the flow without a code."""
    match problem.fault:
        case CallbackFault.DENIED:
            return ConnectError(f"the consent was declined ({problem.error})", hint=AGAIN)
        case CallbackFault.EXPIRED:
            return too_late()
        case CallbackFault.WRONG_ISSUER:
            return ConnectError(
                "the answer came from another authorization server than the one that was asked",
                hint="if the provider has several, write the right one as `issuer`",
            )
        case CallbackFault.REFUSED:
            return ConnectError(
                f"the provider refused the authorization ({problem.error or 'it sent no code'})",
                hint=_BY_WORD.get(problem.error, _look_at(client)),
            )
        case _:
            return ConnectError(
                "that is not the address that this consent leads to",
                hint="copy the whole of it from the browser's address bar",
            )


def too_late() -> ConnectError:
    return ConnectError("nobody consented within ten minutes", hint=AGAIN)


def _what(grant: Grant) -> str:
    match grant:
        case Grant.AUTHORIZATION_CODE:
            return "the code"
        case Grant.REFRESH_TOKEN:
            return "the refresh token"
        case Grant.DEVICE_CODE:
            return "the device code"
        case Grant.CLIENT_CREDENTIALS:
            return "the client"
        case Grant.JWT_BEARER | Grant.GITHUB_APP:
            return "the signed assertion"


def _look_at(client: OAuthClient) -> str:
    which = f" {client.client_id}" if client.client_id else ""
    return f"look at the application{which} in the provider's settings"
