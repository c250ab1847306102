"""The services that connect with only a client id and secret, as `oauth_services` plays them."""

from proxy.oauth.failure import FailureKind
from tests.support.oauth_services import Granted, Service, answer, form_answer

ANALYTICS = "https://www.googleapis.com/auth/analytics.readonly"
JIRA = ("offline_access", "read:me", "read:jira-work", "read:jira-user")
XERO = ("offline_access", "openid", "accounting.transactions")
SLACK = ("channels:read", "chat:write", "users:read")
FORCE = "https://acme.my.salesforce.com"
FORCE_ID = "https://login.salesforce.com/id/00D000/005000"

SERVICES = (
    Service(
        id="slack",
        token_url="https://slack.com/api/oauth.v2.access",
        pkce=False,
        scope_separator=",",
        first=answer(
            {
                "ok": True,
                "access_token": "xoxe-bot-1",
                "refresh_token": "xoxe-r-1",
                "expires_in": 43200,
                "token_type": "bot",
                "scope": ",".join(SLACK),
                "team": {"name": "Softball", "id": "T9TK3CUKW"},
                "authed_user": {"id": "U1234", "access_token": "xoxe-user-1", "token_type": "user"},
            }
        ),
        granted=Granted("xoxe-bot-1", "xoxe-r-1", 43200, SLACK, "bot", account="Softball"),
        refreshed=answer(
            {
                "ok": True,
                "access_token": "xoxe-bot-2",
                "refresh_token": "xoxe-r-2",
                "expires_in": 43200,
                "token_type": "bot",
            }
        ),
        granted_again=Granted("xoxe-bot-2", "xoxe-r-2", 43200, SLACK, "bot", account="Softball"),
        refused=answer({"ok": False, "error": "invalid_refresh_token"}),
    ),
    Service(
        id="slack",
        name="slack without rotation",
        token_url="https://slack.com/api/oauth.v2.access",
        pkce=False,
        scope_separator=",",
        first=answer(
            {"ok": True, "access_token": "xoxb-1", "token_type": "bot", "scope": "chat:write"}
        ),
        granted=Granted("xoxb-1", None, None, ("chat:write",), "bot"),
        refused=answer({"ok": False, "error": "code_already_used"}),
    ),
    Service(
        id="github",
        token_url="https://github.com/login/oauth/access_token",
        first=form_answer(b"access_token=gho_1&scope=repo%2Cread%3Auser&token_type=bearer"),
        granted=Granted("gho_1", None, None, ("repo", "read:user")),
        refused=answer({"error": "bad_verification_code", "error_description": "x"}),
    ),
    Service(
        id="github",
        name="github app's user",
        token_url="https://github.com/login/oauth/access_token",
        first=answer(
            {
                "access_token": "ghu_1",
                "expires_in": 28800,
                "refresh_token": "ghr_1",
                "refresh_token_expires_in": 15897600,
                "scope": "",
                "token_type": "bearer",
            }
        ),
        granted=Granted("ghu_1", "ghr_1", 28800, ()),
        refreshed=form_answer(
            b"access_token=ghu_2&expires_in=28800&refresh_token=ghr_2&scope=&token_type=bearer"
        ),
        granted_again=Granted("ghu_2", "ghr_2", 28800, ()),
        refused=form_answer(b"error=bad_refresh_token&error_description=The+refresh+token"),
    ),
    Service(
        id="salesforce",
        vars={"domain": "acme"},
        token_url=f"{FORCE}/services/oauth2/token",
        authorize={"prompt": "consent"},
        first=answer(
            {
                "access_token": "00D000!1",
                "refresh_token": "5Aep1",
                "scope": "refresh_token api",
                "instance_url": FORCE,
                "id": FORCE_ID,
                "token_type": "Bearer",
                "issued_at": "1772366400000",
            }
        ),
        granted=Granted(
            "00D000!1",
            "5Aep1",
            7200,
            ("refresh_token", "api"),
            side={"instance_url": FORCE, "id": FORCE_ID},
            account=FORCE_ID,
        ),
        refreshed=answer({"access_token": "00D000!2", "token_type": "Bearer", "issued_at": "1"}),
        granted_again=Granted(
            "00D000!2",
            "5Aep1",
            7200,
            ("refresh_token", "api"),
            side={"instance_url": FORCE, "id": FORCE_ID},
            account=FORCE_ID,
        ),
    ),
    Service(
        id="shopify",
        vars={"shop": "acme"},
        token_url="https://acme.myshopify.com/admin/oauth/access_token",
        pkce=False,
        scope_separator=",",
        token_params={"expiring": "1"},
        redirect_query={"hmac": "ab", "shop": "acme.myshopify.com", "timestamp": "1", "host": "x"},
        first=answer(
            {
                "access_token": "shpat_1",
                "scope": "read_products,read_orders",
                "expires_in": 3600,
                "refresh_token": "shprt_1",
                "refresh_token_expires_in": 7776000,
            }
        ),
        granted=Granted("shpat_1", "shprt_1", 3600, ("read_products", "read_orders"), ""),
        refreshed=answer(
            {"access_token": "shpat_2", "expires_in": 3600, "refresh_token": "shprt_2"}
        ),
        granted_again=Granted("shpat_2", "shprt_2", 3600, ("read_products", "read_orders"), ""),
    ),
    Service(
        id="notion",
        token_url="https://api.notion.com/v1/oauth/token",
        auth="basic",
        body="json",
        authorize={"owner": "user"},
        first=answer(
            {
                "access_token": "ntn_1",
                "token_type": "bearer",
                "refresh_token": "nrt_1",
                "bot_id": "b-1",
                "workspace_id": "w-1",
                "workspace_name": "Acme",
                "owner": {"type": "user", "user": {"id": "u-1"}},
            }
        ),
        granted=Granted(
            "ntn_1",
            "nrt_1",
            None,
            (),
            side={"workspace_id": "w-1", "bot_id": "b-1"},
            account="Acme",
        ),
        refreshed=answer(
            {"access_token": "ntn_2", "token_type": "bearer", "refresh_token": "nrt_2"}
        ),
        granted_again=Granted(
            "ntn_2",
            "nrt_2",
            None,
            (),
            side={"workspace_id": "w-1", "bot_id": "b-1"},
            account="Acme",
        ),
        refused=answer({"object": "error", "error": "invalid_grant", "request_id": "r"}, 400),
    ),
    Service(
        id="quickbooks",
        vars={"environment": "sandbox"},
        token_url="https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer",
        auth="basic",
        redirect_query={"realmId": "9130357"},
        first=answer(
            {
                "token_type": "bearer",
                "expires_in": 3600,
                "refresh_token": "AB1",
                "x_refresh_token_expires_in": 8726400,
                "access_token": "eyJ1",
            }
        ),
        granted=Granted(
            "eyJ1",
            "AB1",
            3600,
            ("com.intuit.quickbooks.accounting",),
            side={"realmId": "9130357"},
        ),
        refreshed=answer(
            {
                "token_type": "bearer",
                "expires_in": 3600,
                "refresh_token": "AB2",
                "access_token": "eyJ2",
            }
        ),
        granted_again=Granted(
            "eyJ2",
            "AB2",
            3600,
            ("com.intuit.quickbooks.accounting",),
            side={"realmId": "9130357"},
        ),
    ),
    Service(
        id="xero",
        token_url="https://identity.xero.com/connect/token",
        auth="basic",
        first=answer(
            {
                "id_token": "eyJ",
                "access_token": "x1",
                "expires_in": 1800,
                "token_type": "Bearer",
                "refresh_token": "xr1",
                "scope": " ".join(XERO),
            }
        ),
        granted=Granted("x1", "xr1", 1800, XERO),
        refreshed=answer({"access_token": "x2", "expires_in": 1800, "refresh_token": "xr2"}),
        granted_again=Granted("x2", "xr2", 1800, XERO, ""),
    ),
    Service(
        id="zendesk",
        vars={"subdomain": "acme"},
        token_url="https://acme.zendesk.com/oauth/tokens",
        token_params={"expires_in": "1800", "refresh_token_expires_in": "7776000"},
        first=answer(
            {
                "access_token": "z1",
                "refresh_token": "zr1",
                "token_type": "bearer",
                "scope": "read",
                "expires_in": 1800,
                "refresh_token_expires_in": 7776000,
            }
        ),
        granted=Granted("z1", "zr1", 1800, ("read",)),
        refreshed=answer(
            {
                "access_token": "z2",
                "refresh_token": "zr2",
                "token_type": "bearer",
                "scope": "read",
                "expires_in": 1800,
            },
            201,
        ),
        granted_again=Granted("z2", "zr2", 1800, ("read",)),
        refused=answer({"error": "invalid_grant", "error_description": "x"}, 401),
    ),
    Service(
        id="jira",
        token_url="https://auth.atlassian.com/oauth/token",
        body="json",
        authorize={"audience": "api.atlassian.com", "prompt": "consent"},
        first=answer(
            {
                "access_token": "j1",
                "refresh_token": "jr1",
                "expires_in": 3600,
                "token_type": "Bearer",
                "scope": " ".join(JIRA),
            }
        ),
        granted=Granted("j1", "jr1", 3600, JIRA),
        refreshed=answer({"access_token": "j2", "refresh_token": "jr2", "expires_in": 3600}),
        granted_again=Granted("j2", "jr2", 3600, JIRA, ""),
        refused=answer({"error": "invalid_grant", "error_description": "Unknown"}, 403),
    ),
    Service(
        id="microsoft-graph",
        vars={"tenant": "acme.onmicrosoft.com"},
        token_url="https://login.microsoftonline.com/acme.onmicrosoft.com/oauth2/v2.0/token",
        authorize={"response_mode": "query", "prompt": "select_account"},
        redirect_query={"session_state": "s"},
        first=answer(
            {
                "token_type": "Bearer",
                "scope": "User.Read profile openid email",
                "expires_in": 3736,
                "ext_expires_in": 3736,
                "access_token": "m1",
                "refresh_token": "mr1",
            }
        ),
        granted=Granted("m1", "mr1", 3736, ("User.Read", "profile", "openid", "email")),
        refreshed=answer(
            {
                "token_type": "Bearer",
                "scope": "User.Read",
                "expires_in": 5025,
                "access_token": "m2",
                "refresh_token": "mr2",
            }
        ),
        granted_again=Granted("m2", "mr2", 5025, ("User.Read",)),
        refused=answer({"error": "interaction_required", "error_codes": [50076]}, 400),
    ),
    Service(
        id="google-analytics",
        token_url="https://oauth2.googleapis.com/token",
        authorize={"access_type": "offline", "prompt": "consent"},
        redirect_query={"scope": ANALYTICS, "iss": "https://accounts.google.com"},
        first=answer(
            {
                "access_token": "ya29.1",
                "expires_in": 3599,
                "refresh_token": "1//1",
                "refresh_token_expires_in": 604799,
                "scope": ANALYTICS,
                "token_type": "Bearer",
            }
        ),
        granted=Granted("ya29.1", "1//1", 3599, (ANALYTICS,)),
        refreshed=answer(
            {
                "access_token": "ya29.2",
                "expires_in": 3599,
                "scope": ANALYTICS,
                "token_type": "Bearer",
            }
        ),
        granted_again=Granted("ya29.2", "1//1", 3599, (ANALYTICS,)),
        refused=answer({"error": "invalid_grant", "error_description": "Token has been"}, 400),
    ),
    Service(
        id="linear",
        token_url="https://api.linear.app/oauth/token",
        scope_separator=",",
        authorize={"prompt": "consent"},
        first=answer(
            {
                "access_token": "lin_1",
                "token_type": "Bearer",
                "expires_in": 86399,
                "refresh_token": "lin_r1",
                "scope": ["read", "write"],
            }
        ),
        granted=Granted("lin_1", "lin_r1", 86399, ("read", "write")),
        refreshed=answer(
            {
                "access_token": "lin_2",
                "token_type": "Bearer",
                "expires_in": 86399,
                "refresh_token": "lin_r2",
                "scope": "read write",
            }
        ),
        granted_again=Granted("lin_2", "lin_r2", 86399, ("read", "write")),
    ),
    Service(
        id="hubspot",
        token_url="https://api.hubapi.com/oauth/2026-03/token",
        first=answer(
            {
                "token_type": "bearer",
                "refresh_token": "h-r1",
                "access_token": "C" * 400,
                "expires_in": 1800,
                "hub_id": 42,
            }
        ),
        granted=Granted("C" * 400, "h-r1", 1800, ("oauth",)),
        refreshed=answer(
            {
                "token_type": "bearer",
                "refresh_token": "h-r1",
                "access_token": "D" * 900,
                "expires_in": 1800,
            }
        ),
        granted_again=Granted("D" * 900, "h-r1", 1800, ("oauth",)),
        refused=answer({"status": "BAD_REFRESH_TOKEN", "error": "invalid_grant"}, 400),
    ),
    Service(
        id="intercom",
        type="intercom",
        vars={"region": "eu"},
        token_url="https://api.eu.intercom.io/auth/eagle/token",
        first=answer({"token_type": "Bearer", "token": "dG9r", "access_token": "dG9r"}),
        granted=Granted("dG9r", None, None, ()),
        refused=answer({"type": "error.list", "errors": [{"code": "server_error"}]}, 401),
        refused_as=FailureKind.UNAVAILABLE,
    ),
)
