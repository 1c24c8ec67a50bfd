// npm `ws` (with bufferutil) as a bare echo client:  node ws_echo.mjs URL [--ca F] [--deflate]
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import WebSocket from 'ws';

const require = createRequire(import.meta.url);
const native = require('bufferutil');
if (native === require('bufferutil/fallback')) {
  console.error("ws_echo: bufferutil's native build does not load here, only its slow fallback.js; build it: "
    + 'npm rebuild bufferutil, in test/bench.');
  process.exit(1);
}

const { values, positionals } = parseArgs({
  options: { ca: { type: 'string' }, deflate: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const session = new WebSocket(positionals[0], {
  // Level and memory as libwebsockets has them, and nothing is too small for it.
  perMessageDeflate: values.deflate && { threshold: 0, zlibDeflateOptions: { level: 1, memLevel: 8 } },
  ca: values.ca && readFileSync(values.ca),
});
session.on('message', (data, binary) => session.send(data, { binary }));
