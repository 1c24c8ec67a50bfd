// All that a browser loads, compressed, must stay below the limit.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const limit = 80 * 1024;
const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const files = readdirSync(dist, { recursive: true }).filter((name) => statSync(join(dist, name)).isFile());
let sum = 0;
for (const name of files) {
    const size = gzipSync(readFileSync(join(dist, name)), { level: 9 }).length;
    sum += size;
    console.log(`${String(size).padStart(7)}  ${name}`);
}
console.log(`${String(sum).padStart(7)}  in all, of ${limit} bytes (gzip)`);
if (sum > limit) {
    console.error('size: the page has grown too large.');
    process.exit(1);
}
