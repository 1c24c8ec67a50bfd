// npm `ws` (with bufferutil) as a bare echo client:  node ws_echo.mjs URL [--ca F] [--deflate]
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import WebSocket from 'ws';

const { values, positionals } = parseArgs({
  options: { ca: { type: 'string' }, deflate: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const session = new WebSocket(positionals[0], {
  perMessageDeflate: values.deflate,
  ca: values.ca && readFileSync(values.ca),
});
session.on('message', (data, binary) => session.send(data, { binary }));
