// A certified authorization server, and a resource that takes only its live access tokens.
//
// Its settings come as one JSON object on standard input: {cert, key, issuer, accessTokenSeconds,
// jwks}. When it listens it prints its port. `jwks` is the public key of the client that
// authenticates with private_key_jwt.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';

// oidc-provider is written for Node 22; of what it uses, this alone is missing in Node 20.
URL.parse ??= (text, base) => (URL.canParse(text, base) ? new URL(text, base) : null);
const { Provider } = await import('oidc-provider');

const settings = JSON.parse(readFileSync(0, 'utf8'));
const counts = {
  token: 0, refresh: 0, calls: 0, unauthorized: 0,
};

const web = {
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  application_type: 'native', // a loopback redirect, on whichever port is free (RFC 8252, 7.3)
  redirect_uris: ['http://127.0.0.1/callback'],
};
const clients = [
  {
    ...web, client_id: 'code-basic', client_secret: 'basic-secret-000000000000000000', token_endpoint_auth_method: 'client_secret_basic',
  },
  {
    ...web, client_id: 'code-post', client_secret: 'post-secret-0000000000000000000', token_endpoint_auth_method: 'client_secret_post',
  },
  {
    ...web, client_id: 'code-public', token_endpoint_auth_method: 'none',
  },
  {
    ...web, client_id: 'code-jwt', token_endpoint_auth_method: 'private_key_jwt', jwks: settings.jwks,
  },
  {
    ...web,
    client_id: 'code-pasted',
    client_secret: 'pasted-secret-00000000000000000',
    application_type: 'web',
    token_endpoint_auth_method: 'client_secret_post',
    redirect_uris: ['https://console.example.com/connected'],
  },
  {
    client_id: 'device',
    token_endpoint_auth_method: 'none',
    grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
    response_types: [],
    redirect_uris: [],
  },
  {
    client_id: 'machine',
    client_secret: 'machine-secret-0000000000000000',
    token_endpoint_auth_method: 'client_secret_basic',
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
  },
  {
    client_id: 'machine-jwt',
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: settings.jwks,
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
  },
];

const provider = new Provider(settings.issuer, {
  clients,
  scopes: ['openid', 'offline_access', 'read', 'write'],
  claims: { openid: ['sub'] },
  cookies: { keys: ['only for tests'] },
  features: {
    devInteractions: { enabled: true },
    deviceFlow: { enabled: true },
    clientCredentials: { enabled: true },
    revocation: { enabled: true },
  },
  enabledJWA: { clientAuthSigningAlgValues: ['RS256', 'ES256', 'EdDSA'] },
  // The one that is used again takes the whole family with it.
  rotateRefreshToken: true,
  issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
  ttl: {
    AccessToken: settings.accessTokenSeconds,
    ClientCredentials: settings.accessTokenSeconds,
    RefreshToken: 3600,
    Grant: 3600,
    Session: 3600,
    Interaction: 600,
    DeviceCode: 600,
  },
  findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
});

provider.on('grant.success', (ctx) => {
  counts.token += 1;
  if (ctx.oidc.params.grant_type === 'refresh_token') counts.refresh += 1;
});

function answer(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

async function resource(request, response) {
  counts.calls += 1;
  const [scheme, value] = (request.headers.authorization ?? '').split(' ');
  const token = scheme.toLowerCase() === 'bearer'
    ? await provider.AccessToken.find(value) ?? await provider.ClientCredentials.find(value)
    : undefined;
  if (!token?.isValid) {
    counts.unauthorized += 1;
    answer(response, 401, { error: 'invalid_token' });
    return;
  }
  answer(response, 200, { account: token.accountId ?? token.clientId, scope: token.scope ?? '' });
}

const authorization = provider.callback();
const server = createServer({ cert: settings.cert, key: settings.key }, (request, response) => {
  if (request.url.startsWith('/api/')) resource(request, response);
  else if (request.url === '/counts') answer(response, 200, counts);
  else authorization(request, response);
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
