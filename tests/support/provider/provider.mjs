// node-oidc-provider on loopback, with the pages of its own by which anybody signs in who says a name: the tests' somebody else.
//
//   node provider.mjs HOME NAME=VALUE…    prints `listening URL`; HOME is the folder of `node_modules`

import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

const [home, ...pairs] = process.argv.slice(2);
const said = Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
const { default: Provider } = await import(pathToFileURL(`${home}/node_modules/oidc-provider/lib/index.js`));

const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{
      client_id: said.client,
      client_secret: said.secret,
      redirect_uris: [`${said.url}/v1/session/provider/callback`],
      post_logout_redirect_uris: [`${said.url}/login`],
    }],
    cookies: { keys: ['of the tests'] },
    jwks: { keys: [{ ...key, use: 'sig', alg: 'RS256' }] },
    pkce: { methods: ['S256'], required: () => true },
  });
  server.on('request', provider.callback());
  process.stdout.write(`listening ${issuer}\n`);
});
