// A host that is not there: serves the contract, and the page from dist/ if it was built.
//   node mock/main.mjs [--port 8090] [--empty] [--password P]
import { createServer } from 'node:http';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import { Channel } from './channel.mjs';
import { Api, Refusal } from './routes.mjs';
import { World } from './world.mjs';

const contract = JSON.parse(readFileSync(new URL('../../src/web/openapi.json', import.meta.url), 'utf8'));
const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
const policy = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const rank = { public: 0, read: 1, operate: 2, configure: 3 };

/** Every route of the contract, static parts before {…}. */
const routes = Object.entries(contract.paths)
    .flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, operation]) => ({
            method: method.toUpperCase(),
            path,
            operation,
            names: [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
            pattern: new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '([^/]+)')}$`),
        })),
    )
    .sort((left, right) => left.names.length - right.names.length);

/** A host at work; {url, world, api, cut(), stop()}. `password`: null for none needed, '' for none set yet. */
export async function start({ port = 0, project = 'demo', password = null, code = '4711-0815', onAnswer, pace = 1 } = {}) {
    const world = new World({ project, pace });
    const channels = new Set();
    const api = new Api(world, channels);
    const sessions = new Map();
    let failures = 0;
    let secret = password;
    world.password = password || undefined;

    const sessionOf = (request) => sessions.get(/(?:^|; )iom-session=([^;]+)/.exec(request.headers.cookie ?? '')?.[1]);
    const allRights = ['read', 'operate', 'configure'];
    const rightsOf = (request) => (secret === null || sessionOf(request) ? allRights : []);
    const sessionInfo = (request, session = sessionOf(request)) => {
        if (secret === null) return { state: 'open', rights: allRights, codeNeeded: false, project: world.project.name };
        if (secret === '') return { state: 'first-password', rights: [], codeNeeded: true };
        if (!session) return { state: 'log-in', rights: [] };
        return { state: 'in', rights: allRights, endsAt: session.endsAt, idleMinutes: 30, project: world.project.name };
    };
    const open = (response) => {
        const id = randomBytes(18).toString('base64url');
        const session = { endsAt: Date.now() + 12 * 3.6e6 };
        sessions.set(id, session);
        response.setHeader('Set-Cookie', `iom-session=${id}; HttpOnly; SameSite=Strict; Path=/`);
        return session;
    };

    Object.assign(api, {
        getSession: ({ request }) => ({ body: sessionInfo(request) }),
        logIn: ({ body, request, response }) => {
            if (failures >= 5) throw new Refusal(429, 'too-often', 'Too many attempts. Wait 20 seconds, then try again.', { retryAfter: 20 });
            if (secret === null || secret === '' || body.password !== secret) {
                ++failures;
                throw new Refusal(401, 'unauthorised', 'This is not the password.');
            }
            failures = 0;
            return { body: sessionInfo(request, open(response)) };
        },
        logOut: ({ response, request }) => {
            const id = /(?:^|; )iom-session=([^;]+)/.exec(request.headers.cookie ?? '')?.[1];
            sessions.delete(id);
            response.setHeader('Set-Cookie', 'iom-session=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0');
            return { status: 204 };
        },
        setFirstPassword: ({ body, request, response }) => {
            if (secret) throw new Refusal(409, 'conflict', 'A password is set already. Log in with it.');
            if (secret === '' && body.code !== code) throw new Refusal(403, 'forbidden', 'This is not the code that the console shows. It is printed anew at every start.');
            secret = body.password;
            world.password = secret;
            return { body: sessionInfo(request, open(response)) };
        },
        setPassword: ({ body, request }) => {
            if (secret && body.old !== secret) throw new Refusal(422, 'mistakes', 'The old password is not right.', { mistakes: [{ sentence: 'The old password is not right.', warning: false, at: '/old' }] });
            secret = body.password;
            world.password = secret;
            const mine = sessionOf(request);
            for (const [id, one] of sessions) if (one !== mine) sessions.delete(id);
            return { status: 204 };
        },
    });

    const pageToken = () => (existsSync(join(dist, 'index.html')) ? /<meta name="page" content="([^"]+)"/.exec(readFileSync(join(dist, 'index.html'), 'utf8'))?.[1] : undefined) ?? 'dev';

    async function answer(request, response) {
        const url = new URL(request.url, 'http://mock');
        response.setHeader('Content-Security-Policy', policy);
        response.setHeader('X-Content-Type-Options', 'nosniff');
        response.setHeader('Referrer-Policy', 'no-referrer');
        if (!url.pathname.startsWith('/api/') && url.pathname !== '/metrics') return page(url, request, response);
        response.setHeader('Cache-Control', 'no-store');
        const refuse = (refusal) => {
            if (refusal.body.retryAfter) response.setHeader('Retry-After', String(refusal.body.retryAfter));
            deliver(route, { status: refusal.status, body: refusal.body });
        };
        const deliver = (route, { status = 200, body, type = 'application/json', file }) => {
            onAnswer?.({ route, path: url.pathname, status, body, type });
            response.statusCode = status;
            if (body === undefined) return response.end();
            response.setHeader('Content-Type', type);
            if (file) response.setHeader('Content-Disposition', `attachment; filename="${file}"`);
            const revision = body?.summary?.revision ?? body?.revision;
            if (revision) response.setHeader('ETag', `"${revision}"`);
            response.end(Buffer.isBuffer(body) || typeof body === 'string' ? body : JSON.stringify(body));
        };
        const found = routes.filter((one) => one.pattern.test(url.pathname));
        const route = found.find((one) => one.method === request.method);
        try {
            if (rank[route?.operation['x-right'] ?? 'read'] > rightsOf(request).length) throw new Refusal(401, 'unauthorised', 'Log in first.');
            if (!route) throw found.length ? new Refusal(405, 'method', 'This cannot be done here.') : new Refusal(404, 'not-found', 'There is nothing here.');
            if (request.method !== 'GET' && request.headers.origin && new URL(request.headers.origin).host !== request.headers.host) throw new Refusal(403, 'forbidden', 'This request comes from another page.');
            const values = route.pattern.exec(url.pathname).slice(1).map(decodeURIComponent);
            const path = Object.fromEntries(route.names.map((name, i) => [name, values[i]]));
            const chunks = [];
            for await (const chunk of request) chunks.push(chunk);
            const raw = Buffer.concat(chunks);
            const wants = Object.keys(route.operation.requestBody?.content ?? {})[0];
            let body;
            if (wants === 'application/json') {
                try {
                    body = JSON.parse(raw.toString());
                } catch {
                    throw new Refusal(400, 'bad-request', 'The body is no JSON.');
                }
            } else body = wants === 'application/xml' ? raw.toString() : raw;
            api.onAsk?.({ route, body });
            deliver(route, await api[route.operation.operationId]({ path, query: url.searchParams, body, request, response, headers: request.headers }));
        } catch (problem) {
            if (problem instanceof Refusal) refuse(problem);
            else {
                console.error(problem);
                refuse(new Refusal(503, 'failed', 'The host failed at this.'));
            }
        }
    }

    function page(url, request, response) {
        const path = normalize(join(dist, url.pathname === '/' ? 'index.html' : url.pathname));
        if (!path.startsWith(dist) || !existsSync(path) || !statSync(path).isFile()) {
            response.statusCode = 404;
            return response.end();
        }
        const type = types[extname(path)] ?? 'application/octet-stream';
        onAnswer?.({ route: routes.find((one) => one.method === request.method && one.pattern.test(url.pathname)), path: url.pathname, status: 200, body: '', type: type.split(';')[0] });
        response.setHeader('Content-Type', type);
        response.setHeader('Cache-Control', url.pathname === '/' ? 'no-cache' : 'max-age=31536000, immutable');
        response.end(readFileSync(path));
    }

    // What comes while it is frozen is answered afterwards.
    const held = [];
    const unlessFrozen = (then) => (...all) => (api.frozen ? held.push(() => then(...all)) : then(...all));
    const server = createServer(unlessFrozen(answer));
    server.keepAliveTimeout = 120_000;
    const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'iom.page.1' });
    let refusing = false;
    const toChannel = (status) => onAnswer?.({ route: routes.find((one) => one.operation.operationId === 'openChannel'), path: '/api/channel', status });
    server.on('upgrade', unlessFrozen((request, socket, head) => {
        if (refusing || new URL(request.url, 'http://mock').pathname !== '/api/channel' || rightsOf(request).length === 0) {
            toChannel(401);
            return socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n');
        }
        toChannel(101);
        sockets.handleUpgrade(request, socket, head, (opened) => {
            const channel = new Channel(opened, api, rightsOf(request), pageToken());
            channels.add(channel);
            opened.on('close', () => channels.delete(channel));
        });
    }));
    await new Promise((go) => server.listen(port, '127.0.0.1', go));
    return {
        url: `http://127.0.0.1:${server.address().port}`,
        world,
        api,
        code,
        /** Cuts every channel; until `mend`, none can be opened. */
        cut() {
            refusing = true;
            for (const one of channels) one.socket.terminate();
        },
        mend() {
            refusing = false;
        },
        /** Nothing is closed, and nothing answered, until `thaw`. */
        freeze() {
            api.frozen = true;
        },
        thaw() {
            api.frozen = false;
            for (const one of held.splice(0)) one();
        },
        async stop() {
            world.end();
            for (const one of channels) one.socket.terminate();
            server.closeAllConnections();
            await new Promise((go) => server.close(go));
        },
    };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    const argument = (name) => process.argv[process.argv.indexOf(name) + 1];
    const has = (name) => process.argv.includes(name);
    const mock = await start({ port: has('--port') ? Number(argument('--port')) : 8090, project: has('--empty') ? 'plain' : 'demo', password: has('--password') ? argument('--password') : has('--first') ? '' : null });
    console.log(`ready ${mock.url}`);
    process.on('SIGTERM', () => mock.stop().then(() => process.exit(0)));
}
