// The package has no types.
declare module 'oidc-provider' {
  export class Provider {
    constructor(issuer: string, settings: object);
    callback(): (request: import('node:http').IncomingMessage, response: import('node:http').ServerResponse) => void;
  }
}
