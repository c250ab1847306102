"""What makes new credentials at the services that are known by name; see `minting`."""

from typing import Final

from config.catalog.minting import KEYS, OAUTH, Service

SERVICES: Final[tuple[Service, ...]] = (
    Service(
        ("api.github.com",),
        {
            "/app/installations/*/access_tokens": "an installation's access token",
            "/app-manifests/*/conversions": "an app's private key",
            "/applications/*/token": "an access token",
            "/applications/*/token/scoped": "an access token",
            "/authorizations/**": "an access token",
            "/user/keys": "an SSH key",
            "/user/gpg_keys": "a signing key",
            "/user/ssh_signing_keys": "a signing key",
            "/repos/*/*/keys": "a deploy key",
            "/repos/*/*/actions/runners/*": "a runner's token",
            "/orgs/*/actions/runners/*": "a runner's token",
            "/enterprises/*/actions/runners/*": "a runner's token",
            "/login/oauth/access_token": "an access token",
        },
        {"/copilot_internal/*/token": "an access token"},
    ),
    Service(("uploads.github.com", "raw.githubusercontent.com")),
    Service(
        ("api.bitbucket.org",),
        {
            **OAUTH,
            "/2.0/users/*/ssh-keys": "an SSH key",
            "/2.0/repositories/*/*/deploy-keys": "an SSH key",
        },
    ),
    Service(
        ("registry.npmjs.org",),
        {"/-/npm/v1/tokens": "an access token", "/-/user/**": "an access token"},
    ),
    Service(("pypi.org", "upload.pypi.org"), {"/_/oidc/**": "an API key"}),
    Service(
        ("hub.docker.com",),
        {**KEYS, "/v2/users/login": "an access token", "/v2/auth/token": "an access token"},
    ),
    Service(("auth.docker.io",), shows={"/token": "an access token"}),
    # The action may stand in the body: the whole of a service that makes nothing else.
    Service(
        ("sts.amazonaws.com", "sts.*.amazonaws.com", "sts.*.amazonaws.com.cn", "sts-fips.*"),
        shows={"/**": "temporary credentials"},
    ),
    Service(
        ("portal.sso.*.amazonaws.com", "oidc.*.amazonaws.com"),
        {"/token": "an access token"},
        {"/federation/credentials": "temporary credentials"},
    ),
    Service(
        (
            "iam.googleapis.com",
            "iamcredentials.googleapis.com",
            "sts.googleapis.com",
            "apikeys.googleapis.com",
        ),
        {
            "/batch/**": "what several requests in one make",
            "/v1/token": "an access token",
            "/v1/oauthtoken": "an access token",
        },
    ),
    Service(
        ("googleapis.com", "*.googleapis.com"),
        {
            "/**/oauth2/*/token": "an access token",
            "/token": "an access token",
            "/**/serviceaccounts/*/keys": "a service account's key",
            "/**/serviceaccounts/*/keys:upload": "a service account's key",
            "/**/serviceaccounts/*:generateaccesstoken": "an access token",
            "/**/serviceaccounts/*:generateidtoken": "an identity token",
            "/**/serviceaccounts/*:signjwt": "a signed token",
            "/**/serviceaccounts/*:signblob": "a signature",
            "/v2/projects/*/locations/*/keys": "an API key",
            "/storage/v1/projects/*/hmackeys": "an API key",
            "/*/auth_tokens": "an access token",
            "/*/authtokens": "an access token",
        },
        {"/v2/projects/*/locations/*/keys/*/keystring": "an API key"},
    ),
    Service(
        ("management.azure.com", "management.usgovcloudapi.net", "management.chinacloudapi.cn"),
        {
            "/**/listkeys": "an API key",
            "/**/listadminkeys": "an API key",
            "/**/listquerykeys": "an API key",
            "/**/createquerykey/*": "an API key",
            "/**/listsecrets": "an API key",
            "/**/listcredentials": "a password",
            "/**/listaccountsas": "a signed address",
            "/**/listservicesas": "a signed address",
            "/**/listclusteradmincredential": "a cluster's credentials",
            "/**/listclusterusercredential": "a cluster's credentials",
            "/**/regeneratekey": "an API key",
            "/**/regeneratekeys": "an API key",
        },
    ),
    Service(
        ("graph.microsoft.com", "graph.microsoft.us", "microsoftgraph.chinacloudapi.cn"),
        {
            "/**/addpassword": "a client secret",
            "/**/microsoft.graph.addpassword": "a client secret",
            "/**/addkey": "a client secret",
            "/**/addtokensigningcertificate": "a signing key",
            "/**/temporaryaccesspassmethods": "a password",
        },
    ),
    Service(("login.microsoftonline.com",), {"/**": "an access token"}),
    Service(
        ("api.openai.com", "*.api.openai.com"),
        {
            "/v1/realtime/sessions": "a session's key",
            "/v1/realtime/transcription_sessions": "a session's key",
            "/v1/realtime/**/client_secrets": "a session's key",
            "/v1/chatkit/sessions": "a session's key",
            "/v1/organization/admin_api_keys": "an API key",
            "/v1/organization/projects/*/api_keys": "an API key",
            "/v1/organization/projects/*/service_accounts": "an API key",
            "/v1/organization/invites": "another user's access",
        },
    ),
    Service(
        ("*.openai.azure.com",),
        {
            "/openai/realtimeapi/sessions": "a session's key",
            "/openai/v1/realtime/client_secrets": "a session's key",
        },
    ),
    Service(("api.x.ai",), {"/v1/realtime/client_secrets": "a session's key", **KEYS}),
    Service(
        ("api.anthropic.com",),
        {
            "/v1/organizations/api_keys/**": "an API key",
            "/v1/organizations/invites": "another user's access",
            "/api/oauth/**": "an API key",
            "/v1/oauth/token": "an access token",
        },
    ),
    Service(("openrouter.ai",), {"/api/v1/keys": "an API key", "/api/v1/auth/keys": "an API key"}),
    Service(
        ("api.deepgram.com", "api.eu.deepgram.com"),
        {"/v1/auth/grant": "an access token", "/v1/projects/*/keys": "an API key"},
    ),
    Service(
        ("api.elevenlabs.io", "*.api.elevenlabs.io", "api.*.elevenlabs.io"),
        {"/v1/single-use-token/*": "an access token", **KEYS},
        {
            "/v1/convai/conversation/get-signed-url": "a signed address",
            "/v1/convai/conversation/get_signed_url": "a signed address",
            "/v1/convai/conversation/token": "an access token",
        },
    ),
    Service(
        ("api.assemblyai.com", "streaming.assemblyai.com", "*.assemblyai.com"),
        {"/v2/realtime/token": "an access token"},
        {"/v3/token": "an access token"},
    ),
    Service(
        ("api.stripe.com", "files.stripe.com"),
        {
            "/v1/ephemeral_keys": "an API key",
            "/v1/account_sessions": "a session's key",
            "/v1/terminal/connection_tokens": "an access token",
        },
    ),
    Service(
        ("*.plaid.com",),
        {
            "/item/public_token/create": "an access token",
            "/item/public_token/exchange": "an access token",
            "/item/access_token/invalidate": "an access token",
            "/processor/token/create": "an access token",
            "/sandbox/public_token/create": "an access token",
        },
    ),
    Service(("api.hubapi.com", "api.hubspot.com"), shows={"/oauth/**": "an access token"}),
    Service(
        ("*.salesforce.com",),
        shows={
            "/services/oauth2/**": "an access token",
            "/secur/frontdoor.jsp": "a session's key",
        },
    ),
    Service(
        ("*.zendesk.com",),
        {
            "/oauth/tokens": "an access token",
            "/api/v2/oauth/tokens": "an access token",
            "/api/v2/oauth/clients/**": "a client secret",
            "/api/v2/api_tokens": "an API key",
        },
    ),
    Service(
        ("*.myshopify.com",),
        {
            "/admin/oauth/access_token": "an access token",
            "/admin/access_tokens/delegate": "an access token",
            "/admin/api/*/storefront_access_tokens": "an access token",
            "/admin/api/*/access_tokens/delegate": "an access token",
        },
    ),
    Service(
        ("slack.com",),
        {"/api/apps.manifest.create": "a client secret"},
        {
            "/api/oauth.access": "an access token",
            "/api/oauth.token": "an access token",
            "/api/oauth.v2.access": "an access token",
            "/api/oauth.v2.exchange": "an access token",
            "/api/openid.connect.token": "an access token",
            "/api/tooling.tokens.rotate": "an access token",
        },
    ),
    Service(
        ("api.twilio.com",),
        {
            "/2010-04-01/accounts": "an account's auth token",
            "/2010-04-01/accounts/*/keys": "an API key",
            "/2010-04-01/accounts/*/signingkeys": "an API key",
            "/2010-04-01/accounts/*/tokens": "an access token",
        },
    ),
    Service(
        ("iam.twilio.com", "accounts.twilio.com"),
        {"/v1/keys": "an API key", "/v1/authtokens/**": "an account's auth token"},
    ),
    Service(
        ("api.mailgun.net", "api.eu.mailgun.net"),
        {
            "/v1/keys/**": "an API key",
            "/v3/domains/*/credentials/**": "a password",
            "/v5/accounts/http_signing_key": "an API key",
        },
    ),
    Service(
        ("api.sendgrid.com", "api.eu.sendgrid.com"),
        {"/v3/api_keys": "an API key", "/v3/teammates": "another user's access"},
    ),
    Service(("api.postmarkapp.com",), {"/servers": "an API key"}, {"/servers/**": "an API key"}),
    Service(
        ("api.datadoghq.com", "api.*.datadoghq.com", "api.datadoghq.eu", "api.ddog-gov.com"),
        {"/**/api_keys": "an API key", "/**/application_keys": "an API key"},
        {
            "/api/v1/api_key/**": "an API key",
            "/api/v1/application_key/**": "an API key",
            "/**/api_keys/*": "an API key",
            "/**/application_keys/*": "an API key",
        },
    ),
    Service(
        ("api.cloudflare.com",),
        {
            "/client/v4/user/tokens/**": "an API key",
            "/client/v4/accounts/*/tokens/**": "an API key",
            "/client/v4/**/service_tokens": "an API key",
            "/client/v4/**/temp-access-credentials": "temporary credentials",
        },
        {"/client/v4/accounts/*/cfd_tunnel/*/token": "an access token"},
    ),
    Service(("api.vercel.com",), {"/*/user/tokens": "an access token"}),
    Service(
        ("api.digitalocean.com",),
        {"/v2/account/keys": "an SSH key", "/v2/spaces/keys": "an API key"},
        {
            "/v2/registry/docker-credentials": "a password",
            "/v2/kubernetes/clusters/*/credentials": "a cluster's credentials",
            "/v2/kubernetes/clusters/*/kubeconfig": "a cluster's credentials",
        },
    ),
    Service(
        ("api.heroku.com",),
        {
            "/oauth/authorizations": "an access token",
            "/oauth/clients": "a client secret",
            "/oauth/tokens": "an access token",
            "/account/keys": "an SSH key",
        },
    ),
    Service(("api.supabase.com",), OAUTH, {"/v1/projects/*/api-keys/**": "an API key"}),
    Service(
        ("console.neon.tech",),
        {**KEYS, "/**/reset_password": "a password"},
        {"/**/reveal_password": "a password", "/**/connection_uri": "a password"},
    ),
    Service(
        ("api.planetscale.com",),
        {**OAUTH, "/**/passwords": "a password", "/**/service-tokens": "an API key"},
    ),
    Service(("api.tailscale.com",), {**OAUTH, "/api/v2/tailnet/*/keys": "an API key"}),
    Service(("app.launchdarkly.com",), {"/api/v2/tokens": "an access token"}),
    Service(
        ("*.algolia.net", "*.algolianet.com"),
        {"/1/keys": "an API key"},
        {"/1/keys/**": "an API key"},
    ),
    Service(("api.mapbox.com",), {"/tokens/v2/*": "an access token"}),
    Service(
        ("*.sentry.io", "sentry.io"),
        {**KEYS, "/api/0/organizations/*/org-auth-tokens": "an access token"},
    ),
    Service(
        ("*.okta.com", "*.oktapreview.com", "*.okta-emea.com"),
        {
            **OAUTH,
            "/oauth2/v1/clients/**": "a client secret",
            "/api/v1/authn": "a session's key",
            "/api/v1/sessions": "a session's key",
            "/api/v1/apps/*/credentials/secrets": "a client secret",
        },
    ),
    Service(
        ("*.auth0.com",),
        {
            **OAUTH,
            "/api/v2/clients": "a client secret",
            "/api/v2/clients/*/rotate-secret": "a client secret",
        },
    ),
    Service(
        ("api.clerk.com",),
        {
            "/v1/sign_in_tokens": "an access token",
            "/v1/actor_tokens": "an access token",
            "/v1/sessions/*/tokens/**": "an access token",
        },
    ),
    Service(("api.sanity.io", "*.api.sanity.io"), {"/*/projects/*/tokens": "an access token"}),
)
