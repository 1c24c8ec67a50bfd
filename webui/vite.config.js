import { createHash } from 'node:crypto';
import { defineConfig } from 'vite';

const mock = 'http://127.0.0.1:8090';

// The page carries a token of its own files, so that it can tell when the host has newer ones.
const pageToken = {
    name: 'page-token',
    enforce: 'post',
    generateBundle(_options, bundle) {
        const page = bundle['index.html'];
        const token = createHash('sha256').update(Object.keys(bundle).sort().join()).digest('hex').slice(0, 12);
        page.source = page.source.replace('content="dev"', `content="${token}"`);
    },
};

export default defineConfig({
    plugins: [pageToken],
    build: {
        target: 'es2022',
        assetsInlineLimit: 0,
        modulePreload: { polyfill: false },
        reportCompressedSize: false,
    },
    server: { host: '127.0.0.1', proxy: { '/api/channel': { target: mock, ws: true }, '/api': mock, '/metrics': mock } },
});
