// An echo server on npm's ws. Prints `ready PORT`; each session is greeted with one line of JSON that says
// what the server sees: TLS version, the client certificate's common name, subprotocol and headers.
//   node ws_server.mjs [--cert F --key F [--client-ca F]] [--min TLSv1.2] [--max TLSv1.3] [--deflate]
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { parseArgs } from 'node:util';
import { WebSocketServer } from 'ws';

const { values } = parseArgs({
  options: {
    cert: { type: 'string' },
    key: { type: 'string' },
    'client-ca': { type: 'string' },
    min: { type: 'string', default: 'TLSv1.2' },
    max: { type: 'string', default: 'TLSv1.3' },
    deflate: { type: 'boolean', default: false },
  },
});

const server = values.cert
  ? createTlsServer({
      cert: readFileSync(values.cert),
      key: readFileSync(values.key),
      ca: values['client-ca'] && readFileSync(values['client-ca']),
      requestCert: Boolean(values['client-ca']),
      rejectUnauthorized: Boolean(values['client-ca']),
      minVersion: values.min,
      maxVersion: values.max,
    })
  : createServer();

const sessions = new WebSocketServer({
  server,
  perMessageDeflate: values.deflate,
  handleProtocols: (offered) => (offered.has('chat.v2') ? 'chat.v2' : false),
});

sessions.on('connection', (session, request) => {
  const line = request.socket;
  session.send(
    JSON.stringify({
      tls: line.encrypted ? line.getProtocol() : 'none',
      client: line.encrypted && values['client-ca'] ? line.getPeerCertificate().subject.CN : '',
      subprotocol: session.protocol,
      extensions: session.extensions,
      headers: request.headers,
    }),
  );
  session.on('message', (data, binary) => session.send(data, { binary }));
  session.on('error', (error) => console.error(error.message));
});

server.listen(0, '127.0.0.1', () => console.log(`ready ${server.address().port}`));
process.on('SIGTERM', () => {
  for (const session of sessions.clients) session.close(1001);
  server.close(() => process.exit(0));
});
