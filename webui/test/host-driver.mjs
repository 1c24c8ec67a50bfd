// What a spec needs of whatever it runs against, over the real host, its modules and iompeer. The page reaches the
// host through a go-between, which holds every request, answer and message against the contract, and which can be
// cut. IOM_BUILD names the folder of the programs (default build/release).
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { Agent, createServer, request as ask } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { Receiver } from 'ws';
import { contract, Inspector } from './contract.mjs';

const build = resolve(process.env.IOM_BUILD ?? fileURLToPath(new URL('../../build/release', import.meta.url)));
const programs = { host: process.env.IOM_HOST ?? join(build, 'iomhost'), peer: process.env.IOM_TEST_PEER ?? join(build, 'iompeer') };
const modules = [join(process.env.IOM_MODULES ?? join(build, 'modules'), 'websocket-client'), join(process.env.IOM_TEST_MODULES ?? join(build, 'test-modules'), 'modbus-meter')];
const patience = Number(process.env.IOM_PATIENCE ?? 60_000);
const secrets = { 'roof-bearer-token': 'f7c1e0-roof', 'dispatch-password': 'opensesame-dispatch' };

const demo = ({ server, roof, nowhere, often }) => `<?xml version="1.0" encoding="UTF-8"?>
<!-- What the page's tests run. -->
<project name="Line 3">
  <variable name="strokes" type="int" value="0"/>
  <variable name="last-alarm" type="text" value="none"/>
  <instance name="press" module="websocket-client">
    <set name="hostname">127.0.0.1</set>
    <set name="port">${server}</set>
    <set name="path">/machine</set>${often ? '\n    <set name="ping-interval">1</set>' : ''}
    <set name="greeting"><send>{"type":"bind","things":["press-1"]}</send></set>
    <set name="ready-match"><match kind="json" pointer="/type" op="=">bound</match></set>
    <set name="farewell"><item>{"type":"unbind","things":["press-1"]}</item></set>
  </instance>
  <instance name="crane" module="websocket-client">
    <set name="hostname">127.0.0.1</set>
    <set name="port">${nowhere}</set>
    <set name="path">/crane</set>
  </instance>
  <instance name="roof" module="websocket-client">
    <set name="hostname">localhost</set>
    <set name="protocol">wss</set>
    <set name="port">${roof}</set>
    <set name="path">/events?site=7</set>
    <set name="bearer-token">\${secret:roof-bearer-token}</set>
    <set name="headers"><item>X-Site: 7</item><item>Origin: https://plant.example</item></set>
    <set name="subprotocols"><item>plant.v2</item></set>
    <set name="tls-verify">false</set>
    <set name="extended-logging">true</set>
    <set name="log-comms">true</set>
  </instance>
  <instance name="dispatch" module="websocket-client">
    <set name="hostname">127.0.0.1</set>
    <set name="port">${server}</set>
    <set name="path">/status/404</set>
    <set name="username">line3</set>
    <set name="password">\${secret:dispatch-password}</set>
  </instance>
  <instance name="archive" module="websocket-client">
    <set name="hostname">archive.plant.example</set>
    <set name="connect-at-startup">false</set>
  </instance>
  <instance name="meter" module="modbus-meter">
    <set name="address">10.0.4.20</set>
    <set name="model">em24</set>
    <set name="limit">38</set>
    <set name="code">\${secret:dispatch-password}</set>
  </instance>
  <rule name="Acknowledge alarms">
    <on trigger="press/message-received"><match kind="regex">^ALARM (\\d+) level (\\d+) (.+)$</match></on>
    <when status="press/connection-status" is="ready"/>
    <do action="press/send-message"><arg name="message">ACK \${3}</arg></do>
    <do action="host/set"><arg name="variable">last-alarm</arg><arg name="value">\${5}</arg></do>
    <do action="host/log"><arg name="message">alarm \${3}, level \${4}: \${5}</arg></do>
  </rule>
  <rule name="Tell dispatch of severe alarms">
    <on trigger="press/message-received"><match kind="contains">ALARM</match></on>
    <when status="dispatch/is-ready" is="true"/>
    <do action="dispatch/send-message"><arg name="message">{"from":"press","text":"\${message|json}"}</arg></do>
  </rule>
  <rule name="Count strokes">
    <on trigger="host/every" interval="1s"/>
    <do action="host/add"><arg name="variable">strokes</arg><arg name="value">1</arg></do>
  </rule>
  <rule name="Report">
    <on trigger="host/every" interval="5s"/>
    <when status="press/connection-status" is="ready"/>
    <do action="press/send-message"><arg name="message">{"type":"state","thing":"press-1","strokes":\${host/strokes},"alarm":"\${host/last-alarm|json}"}</arg></do>
  </rule>
  <rule name="Say why a line is down">
    <on trigger="*/error"/>
    <do action="host/log"><arg name="message">\${instance}: \${sentence}</arg><arg name="level">warning</arg></do>
  </rule>
  <rule name="Night mode" enabled="false">
    <on trigger="host/manual"/>
    <do action="roof/send-message"><arg name="message">{"lights":"off"}</arg></do>
  </rule>
</project>
`;
const plain = () => `<?xml version="1.0" encoding="UTF-8"?>\n<project name="New line">\n</project>\n`;

/** A child whose lines are kept; ended by SIGKILL at the latest. */
class Program {
    constructor(command, args, cwd) {
        this.lines = [];
        this.waiting = new Set();
        this.child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
        // 'close', not 'exit': its last lines have been read by then.
        this.ended = new Promise((go) => this.child.on('close', (code, signal) => go({ code, signal })));
        this.ended.then((how) => {
            this.how = how;
            this.look(true);
        });
        for (const stream of [this.child.stdout, this.child.stderr]) {
            let rest = '';
            stream.setEncoding('utf8').on('data', (text) => {
                const parts = (rest + text).split('\n');
                rest = parts.pop();
                this.lines.push(...parts);
                this.look();
            });
        }
    }
    look(over = false) {
        for (const one of [...this.waiting]) one(over);
    }
    /** What the first line that fits holds. */
    line(pattern) {
        return new Promise((go, fail) => {
            const late = setTimeout(() => look(true), patience);
            const look = (over) => {
                const found = this.lines.map((one) => pattern.exec(one)).find(Boolean);
                if (!found && !over) return;
                this.waiting.delete(look);
                clearTimeout(late);
                if (found) go(found);
                else fail(new Error(`${this.child.spawnfile} never said ${pattern}:\n${this.lines.slice(-20).join('\n')}`));
            };
            this.waiting.add(look);
            look(false);
        });
    }
    /** How it is, or how it ended, and what it said last. */
    last() {
        return `${this.child.spawnfile} ${this.how ? `ended with ${JSON.stringify(this.how)}` : 'runs'}; its last lines:\n${this.lines.slice(-20).join('\n')}`;
    }
    async end(signal = 'SIGTERM') {
        if (this.child.exitCode !== null || this.child.signalCode !== null) return this.ended;
        this.child.kill(signal);
        const late = setTimeout(() => this.child.kill('SIGKILL'), 10_000);
        const how = await this.ended;
        clearTimeout(late);
        return how;
    }
}

/**
 * Takes a port of loopback without listening there: who connects is refused, and who asks for any free port gets
 * another one. A socket that is bound and connected elsewhere does that.
 */
async function hold(port = 0) {
    const gate = createTcpServer().listen(0, '127.0.0.1');
    await once(gate, 'listening');
    const socket = connect({ host: '127.0.0.1', port: gate.address().port, localAddress: '127.0.0.1', localPort: port });
    const [[far]] = await Promise.all([once(gate, 'connection'), once(socket, 'connect')]);
    gate.close();
    for (const one of [far, socket]) one.on('error', () => {});
    const gone = once(socket.resume(), 'close');
    return {
        port: socket.localPort,
        // The other side closes first, so that what lingers afterwards is not the port that was held.
        async release() {
            far.end();
            await gone;
            far.destroy();
        },
    };
}

async function peer(folder, ...args) {
    const program = new Program(programs.peer, args, folder);
    try {
        const port = Number((await program.line(/^ready (\d+)$/))[1]);
        return { program, port };
    } catch (problem) {
        await program.end();
        throw problem;
    }
}

const routes = Object.entries(contract.paths)
    .flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation, names: path.split('{').length, pattern: new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/]+')}$`) })))
    .sort((left, right) => left.names - right.names);

/** Stands between page and host; hears all, can be cut. */
async function goBetween(port, inspector) {
    const agent = new Agent({ keepAlive: true });
    const sockets = new Set();
    let cut = false;
    const routeOf = (request) => {
        const { pathname } = new URL(request.url, 'http://host');
        return routes.find((one) => one.method === request.method && one.pattern.test(pathname));
    };
    const server = createServer((request, response) => {
        const route = routeOf(request);
        const chunks = [];
        const onward = ask({ host: '127.0.0.1', port, method: request.method, path: request.url, headers: request.rawHeaders, setHost: false, agent }, (answer) => {
            const got = [];
            answer.on('data', (chunk) => got.push(chunk));
            answer.on('end', () => {
                let body = Buffer.concat(got);
                response.writeHead(answer.statusCode, answer.rawHeaders);
                response.end(body);
                if (answer.headers['content-encoding'] === 'gzip') body = gunzipSync(body);
                const type = (answer.headers['content-type'] ?? '').split(';')[0];
                inspector.answer({ route, path: request.url, status: answer.statusCode, type, body: body.length === 0 ? undefined : type === 'application/json' ? body.toString() : body });
            });
            answer.on('error', () => response.destroy());
        });
        onward.on('error', () => response.destroy());
        response.on('close', () => response.writableFinished || onward.destroy());
        request.on('data', (chunk) => chunks.push(chunk));
        request.on('end', () => {
            const body = Buffer.concat(chunks);
            if (route?.operation.requestBody?.content['application/json'] && body.length) inspector.try(() => inspector.ask({ route, body: JSON.parse(body) }));
            onward.end(body);
        });
    });
    server.on('upgrade', (request, socket, head) => {
        const onward = connect(port, '127.0.0.1');
        const lines = [];
        for (let i = 0; i < request.rawHeaders.length; i += 2) lines.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}\r\n`);
        onward.write(`GET ${request.url} HTTP/1.1\r\n${lines.join('')}\r\n`);
        onward.write(head);
        const fromPage = new Receiver({ isServer: true });
        const toPage = new Receiver({ isServer: false });
        const hear = (receiver, what) => {
            receiver.on('message', (data) => inspector.try(() => what(JSON.parse(data))));
            receiver.on('error', (error) => inspector.breaches.push(`channel: ${error.message}`));
        };
        hear(fromPage, (message) => inspector.heard(message));
        hear(toPage, (message) => inspector.said(message));
        let begun = false;
        let start = Buffer.alloc(0);
        socket.on('data', (chunk) => {
            fromPage.write(Buffer.from(chunk)); // the receiver takes the mask off in place
            onward.write(chunk);
        });
        onward.on('data', (chunk) => {
            socket.write(chunk);
            if (begun) return toPage.write(chunk);
            start = Buffer.concat([start, chunk]);
            const at = start.indexOf('\r\n\r\n');
            if (at < 0) return;
            begun = true;
            const status = Number(start.subarray(9, 12));
            inspector.answer({ route: routeOf(request), path: request.url, status });
            if (status === 101 && at + 4 < start.length) toPage.write(start.subarray(at + 4));
        });
        for (const [one, other] of [[socket, onward], [onward, socket]]) {
            one.on('error', () => other.destroy());
            one.on('end', () => other.end());
            one.on('close', () => other.destroy());
        }
    });
    server.keepAliveTimeout = 120_000;
    server.on('connection', (socket) => {
        if (cut) return socket.destroy();
        sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => sockets.delete(socket));
    });
    await new Promise((go) => server.listen(0, '127.0.0.1', go));
    const sever = () => sockets.forEach((one) => one.destroy());
    return {
        url: `http://127.0.0.1:${server.address().port}`,
        cut() {
            cut = true;
            sever();
        },
        mend: () => (cut = false),
        async stop() {
            sever();
            agent.destroy();
            await new Promise((go) => server.close(go));
        },
    };
}

/** All text below a folder, the stores of secrets themselves left out. */
function texts(folder) {
    return readdirSync(folder, { recursive: true })
        .map(String)
        .filter((name) => /\.(xml|log|jsonl?|txt)/.test(name) && statSync(join(folder, name)).isFile())
        .map((name) => `${name}\n${readFileSync(join(folder, name), 'utf8')}`)
        .join('\n');
}

let certificate;
function ownCertificate(folder) {
    const pem = join(folder, 'roof.pem');
    if (certificate) writeFileSync(pem, certificate, { mode: 0o600 });
    else {
        const key = join(folder, 'roof.key');
        const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '61', '-subj', '/CN=roof', '-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', pem], { encoding: 'utf8' });
        if (made.status !== 0) throw new Error(`openssl: ${made.stderr}`);
        certificate = readFileSync(pem, 'utf8') + readFileSync(key, 'utf8');
        writeFileSync(pem, certificate, { mode: 0o600 });
    }
    return pem;
}

/** As in mock-driver.mjs; `alarms`: the machine raises some by itself, and is pinged often; `direct`: without the go-between. */
export async function begin({ project = 'demo', password = null, alarms = false, direct = false } = {}) {
    const folder = mkdtempSync(join(tmpdir(), 'iom-page-'));
    const inspector = new Inspector();
    const running = [];
    let between;
    let nowhere;
    let down;
    const stop = async () => {
        await between?.stop();
        for (const one of [nowhere, down]) await (await one)?.release();
        for (const one of running.reverse()) await one.end();
        rmSync(folder, { recursive: true, force: true });
    };
    try {
        for (const one of modules) {
            mkdirSync(join(folder, 'modules'), { recursive: true });
            for (const ending of ['.so', '.xml']) copyFileSync(one + ending, join(folder, 'modules', one.split('/').at(-1) + ending));
        }
        const quiet = ['--alarm-every', alarms ? '8' : '100000'];
        const server = await peer(folder, '--port', '0', ...quiet);
        running.push(server.program);
        const pem = ownCertificate(folder);
        const roof = await peer(folder, '--port', '0', '--tls-cert', pem, '--tls-key', pem, '--subprotocol', 'plant.v2', ...quiet);
        running.push(roof.program);
        nowhere = await hold();
        const file = join(folder, 'line.xml');
        writeFileSync(file, (project === 'demo' ? demo : plain)({ server: server.port, roof: roof.port, nowhere: nowhere.port, often: alarms }));
        if (project === 'demo') writeFileSync(join(folder, 'line.secrets'), Object.entries(secrets).map(([name, value]) => `${name}=${value}\n`).join(''), { mode: 0o600 });
        if (password) {
            const set = spawnSync(programs.host, ['passwd', file], { input: `${password}\n`, encoding: 'utf8' });
            if (set.status !== 0) throw new Error(`iomhost passwd: ${set.stderr}`);
        }
        // A first password is asked for only where others than this machine reach the page.
        const where = password === '' ? ['--web', '0.0.0.0:0', '--web-plain'] : ['--web', '127.0.0.1:0'];
        const host = new Program(programs.host, ['run', file, '--modules', join(folder, 'modules'), '--log-level', 'frame', '--log-dir', join(folder, 'log'), ...where], folder);
        running.push(host);
        const port = Number((await host.line(/^ready http:\/\/[\d.]+:(\d+)\/$/))[1]);
        const code = password === '' ? (await host.line(/code to set one: ([\d-]+)$/))[1] : undefined;
        between = await goBetween(port, inspector);

        const places = { press: [server, '/machine'], roof: [roof, '/events', true] };
        const toPeer = (far, tls, method, path, body) =>
            new Promise(async (go, fail) => {
                const { request } = tls ? await import('node:https') : await import('node:http');
                const one = request({ host: '127.0.0.1', port: far.port, method, path, rejectUnauthorized: false }, (answer) => {
                    let text = '';
                    answer.setEncoding('utf8').on('data', (some) => (text += some));
                    answer.on('end', () => (answer.statusCode === 200 ? go(JSON.parse(text)) : fail(new Error(`${path}: ${answer.statusCode} ${text}`))));
                });
                one.on('error', fail);
                one.end(body);
            });
        const until = async (what, holds) => {
            for (const end = Date.now() + patience; Date.now() < end; await new Promise((go) => setTimeout(go, 20))) {
                if (host.how) throw new Error(`${what}: did not come before the host ended`);
                const found = await holds();
                if (found) return found;
            }
            throw new Error(`${what}: did not come in ${patience} ms`);
        };
        let saying = Promise.resolve();
        return {
            url: direct ? `http://127.0.0.1:${port}` : between.url,
            code,
            folder,
            server: {
                hostname: '127.0.0.1',
                port: String(server.port),
                path: '/echo',
                // Killed, so that the connection breaks off without a word.
                async stop() {
                    down = server.program.end('SIGKILL').then(() => hold(server.port));
                    await down;
                },
                async start() {
                    await (await down).release();
                    down = undefined;
                    server.program = (await peer(folder, '--port', String(server.port), ...quiet)).program;
                    running.push(server.program);
                },
            },
            nowhere: { hostname: '127.0.0.1', port: String(nowhere.port) },
            /** One after another, as soon as somebody is there to hear it. */
            say(instance, message) {
                const [far, path, tls] = places[instance];
                saying = saying.then(() => until(`${instance} hears ${message}`, async () => (await toPeer(far, tls, 'POST', `/send?path=${path}`, message)).sessions > 0));
                return saying;
            },
            /** That instance is sent more messages than anybody can read, with Log Comms on, until the answer is called. */
            async flood(instance) {
                const place = `http://127.0.0.1:${port}/api/instances/${instance}`;
                const { summary, settings } = await (await fetch(place)).json();
                const { greeting: _1, 'ready-match': _2, ...rest } = settings;
                const put = async (change, revision) => {
                    const answer = await fetch(place, { method: 'PUT', headers: { 'Content-Type': 'application/json', 'If-Match': `"${revision}"` }, body: JSON.stringify({ settings: { ...rest, ...change } }) });
                    if (!answer.ok) throw new Error(await answer.text());
                };
                await put({ path: '/flood?count=0&size=200', 'log-comms': 'true' }, summary.revision);
                return async () => put({}, (await (await fetch(place)).json()).summary.revision);
            },
            /** The machine that `press` leads to has received this. */
            heard: (message) =>
                until(`the machine hears ${message}`, async () => (await toPeer(server, false, 'GET', '/reports')).some((one) => one.text === message)),
            cut: between.cut,
            breaches: () => inspector.breaches,
            answered: () => inspector.answered,
            last: () => host.last(),
            /** Comes true when the host has ended though nobody asked it to. */
            died: host.ended.then(() => host.last()),
            mend: between.mend,
            editFile: async (change) => writeFileSync(file, change(readFileSync(file, 'utf8'))),
            freeze: () => host.child.kill('SIGSTOP'),
            thaw: () => host.child.kill('SIGCONT'),
            everything: async () => [host.lines.join('\n'), texts(folder), readdirSync(folder, { recursive: true }).join('\n')].join('\n'),
            async stop() {
                const unsaid = await saying.then(() => undefined, (problem) => problem);
                const how = await host.end();
                await stop();
                if (how.code !== 0) throw new Error(host.last());
                if (unsaid) throw unsaid;
                if (inspector.breaches.length) throw new Error(inspector.breaches.slice(0, 3).join('\n'));
            },
        };
    } catch (problem) {
        await stop();
        throw problem;
    }
}
