// Makes a picture of a page small: 256 colours, those it has most of and some of each kind; the others become the
// nearest of those.
import { crc32 as nodeCrc, deflateSync, inflateSync } from 'node:zlib';

const table = Array.from({ length: 256 }, (_, n) => {
    let c = n;
    for (let k = 0; k < 8; ++k) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    return c >>> 0;
});
const crc32 = nodeCrc ?? ((data) => (data.reduce((crc, byte) => table[(crc ^ byte) & 255] ^ (crc >>> 8), 0xffffffff) ^ 0xffffffff) >>> 0);

const chunk = (type, data) => {
    const made = Buffer.alloc(12 + data.length);
    made.writeUInt32BE(data.length, 0);
    made.write(type, 4, 'latin1');
    data.copy(made, 8);
    made.writeUInt32BE(crc32(made.subarray(4, 8 + data.length)), 8 + data.length);
    return made;
};

/** Rows of bytes as they were before PNG's filters (RFC 2083, 6). */
function unfiltered(raw, height, stride, step) {
    const made = Buffer.alloc(height * stride);
    for (let y = 0; y < height; ++y) {
        const filter = raw[y * (stride + 1)];
        for (let x = 0; x < stride; ++x) {
            const at = y * stride + x;
            const left = x >= step ? made[at - step] : 0;
            const up = y ? made[at - stride] : 0;
            const corner = x >= step && y ? made[at - stride - step] : 0;
            const guess = left + up - corner;
            const nearest = Math.abs(guess - left) <= Math.abs(guess - up) && Math.abs(guess - left) <= Math.abs(guess - corner) ? left : Math.abs(guess - up) <= Math.abs(guess - corner) ? up : corner;
            made[at] = raw[y * (stride + 1) + 1 + x] + [0, left, up, (left + up) >> 1, nearest][filter];
        }
    }
    return made;
}

/** The same picture with a palette; takes eight-bit RGB or RGBA without transparency, as browsers write it. */
export function small(png) {
    const width = png.readUInt32BE(16);
    const height = png.readUInt32BE(20);
    const step = { 2: 3, 6: 4 }[png[25]];
    if (png[24] !== 8 || !step || png[28] !== 0) throw new Error('png: only eight-bit RGB and RGBA, not interlaced.');
    const parts = [];
    for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) if (png.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
    const pixels = unfiltered(inflateSync(Buffer.concat(parts)), height, width * step, step);
    const counts = new Map();
    const colour = (at) => (pixels[at] << 16) | (pixels[at + 1] << 8) | pixels[at + 2];
    for (let at = 0; at < pixels.length; at += step) counts.set(colour(at), (counts.get(colour(at)) ?? 0) + 1);
    const popular = [...counts].sort((left, right) => right[1] - left[1]).map(([one]) => one);
    const kinds = new Map();
    for (const one of popular) if (!kinds.has(one & 0xf0f0f0)) kinds.set(one & 0xf0f0f0, one);
    const palette = [...new Set([...popular.slice(0, 96), ...kinds.values(), ...popular])].slice(0, 256);
    const place = new Map(palette.map((one, i) => [one, i]));
    const apart = (one, other) => ((one >> 16) - (other >> 16)) ** 2 + (((one >> 8) & 255) - ((other >> 8) & 255)) ** 2 + ((one & 255) - (other & 255)) ** 2;
    for (const one of counts.keys()) {
        if (place.has(one)) continue;
        let best = 0;
        for (let i = 1; i < palette.length; ++i) if (apart(one, palette[i]) < apart(one, palette[best])) best = i;
        place.set(one, best);
    }
    const rows = Buffer.alloc(height * (width + 1));
    for (let y = 0; y < height; ++y) for (let x = 0; x < width; ++x) rows[y * (width + 1) + 1 + x] = place.get(colour((y * width + x) * step));
    const head = Buffer.from(png.subarray(16, 29));
    head[9] = 3;
    const colours = Buffer.from(palette.flatMap((one) => [one >> 16, (one >> 8) & 255, one & 255]));
    return Buffer.concat([png.subarray(0, 8), chunk('IHDR', head), chunk('PLTE', colours), chunk('IDAT', deflateSync(rows, { level: 9 })), chunk('IEND', Buffer.alloc(0))]);
}
