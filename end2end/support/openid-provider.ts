// A certified OpenID provider on loopback, whose users sign in with any password.
import { generateKeyPairSync, type JsonWebKey } from 'node:crypto';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { Provider } from 'oidc-provider';

/** The groups of a user, as long as the test runs. */
export type Groups = Record<string, string[]>;

export class OpenIdProvider {
  private constructor(
    readonly issuer: string,
    private readonly server: Server,
    private readonly use: (listener: RequestListener) => void,
    private readonly redirectUri: string,
    private readonly groups: Groups,
  ) {}

  /** Starts a provider with the client `quaylight`. */
  static async start(redirectUri: string, groups: Groups): Promise<OpenIdProvider> {
    let listener: RequestListener = (_, response) => response.writeHead(503).end();
    const server = createServer((request, response) => listener(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const provider = new OpenIdProvider(issuer, server, (next) => (listener = next), redirectUri, groups);
    provider.rotateKeys();
    return provider;
  }

  static readonly secret = 'a+secret/with=reserved characters';

  /** Signs with a new key from now on. */
  rotateKeys(): void {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const key = { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256' } as JsonWebKey;
    const provider = new Provider(this.issuer, {
      clients: [{ client_id: 'quaylight', client_secret: OpenIdProvider.secret, redirect_uris: [this.redirectUri] }],
      jwks: { keys: [key] },
      pkce: { required: () => true, methods: ['S256'] },
      cookies: { keys: ['of this test'] },
      scopes: ['openid', 'profile', 'email', 'groups'],
      claims: { openid: ['sub'], profile: ['preferred_username'], groups: ['groups'] },
      findAccount: (_: unknown, id: string) => ({
        accountId: id,
        claims: () => ({ sub: `subject-${id}`, preferred_username: id, groups: this.groups[id] ?? [] }),
      }),
      // Without a page that asks for consent.
      async loadExistingGrant(context: any) {
        const { client, session, provider } = context.oidc;
        const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
        grant.addOIDCScope('openid profile email groups');
        await grant.save();
        return grant;
      },
    });
    this.use(provider.callback());
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
