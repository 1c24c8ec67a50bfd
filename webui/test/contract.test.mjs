// The host answers as openapi.json says, on every route, and so does the mock: the page is developed against the
// truth.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import WebSocket from 'ws';
import { contract } from './contract.mjs';
import { pair } from './pem.mjs';

const { begin } = await import(process.env.IOM_DRIVER ?? './mock-driver.mjs');

const patience = Number(process.env.IOM_PATIENCE ?? 60_000);
const operations = Object.entries(contract.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, one]) => ({ path, method: method.toUpperCase(), ...one })));

function client(url) {
    let cookie = '';
    const ask = async (method, path, body, headers = {}) => {
        const json = body !== undefined && typeof body !== 'string' && !Buffer.isBuffer(body);
        const response = await fetch(url + path, {
            method,
            headers: { Origin: url, ...(cookie ? { cookie } : {}), ...(json ? { 'Content-Type': 'application/json' } : {}), ...headers },
            ...(body === undefined ? {} : { body: json ? JSON.stringify(body) : body }),
        });
        const set = response.headers.get('set-cookie');
        if (set) cookie = set.split(';')[0];
        const type = response.headers.get('content-type') ?? '';
        return { status: response.status, headers: response.headers, body: type.includes('json') ? await response.json() : await response.text() };
    };
    ask.cookie = () => cookie;
    return ask;
}

test('every operation is answered as the contract says', async () => {
    const host = await begin();
    try {
        const ask = client(host.url);
        const good = async (status, ...args) => {
            const answer = await ask(...args);
            assert.equal(answer.status, status, `${args[0]} ${args[1]}: ${JSON.stringify(answer.body).slice(0, 300)}`);
            return answer.body;
        };
        const revision = async (path) => ({ 'If-Match': (await ask('GET', path)).headers.get('etag') });
        const until = async (path, holds) => {
            for (const end = Date.now() + patience; Date.now() < end; await new Promise((go) => setTimeout(go, 20))) {
                const { body } = await ask('GET', path);
                if (holds(body)) return body;
            }
            throw new Error(`${path}: what was waited for did not come in ${patience} ms`);
        };
        const ofInstance = (name) => revision(`/api/instances/${name}`);
        for (const path of ['session', 'modules', 'instances', 'instances/press', 'rules', 'trace', 'log', 'frames', 'system', 'tokens', 'secrets', 'files', 'certificate', 'instances/press/history', 'log/download', 'openapi.json', 'project', 'instances/press/text', 'support-bundle']) await good(200, 'GET', `/api/${path}`);
        await good(200, 'GET', '/metrics');
        await good(200, 'GET', '/');
        await good(200, 'GET', '/index.html');
        await good(404, 'GET', '/api/nothing');
        await good(405, 'PUT', '/api/system', {});
        await until('/api/instances/press', (one) => one.summary.state === 'ready');

        await good(200, 'POST', '/api/instances?check=true', { name: 'x y', module: 'websocket-client', settings: { port: 'http' } });
        await good(201, 'POST', '/api/instances', { name: 'one', module: 'websocket-client', settings: { hostname: '127.0.0.1', port: host.server.port, path: '/echo', 'bearer-token': 'abc' } });
        const pasted = await good(200, 'GET', '/api/instances/one/text');
        await good(201, 'POST', '/api/instances', { text: pasted, name: 'two' });
        await good(201, 'POST', '/api/instances/two/duplicate', { name: 'three' });
        await good(201, 'POST', '/api/instances/table', { module: 'websocket-client', like: 'one', rows: [{ name: 't-1', settings: { path: '/a' } }, { name: 't-2', settings: {} }] });
        await good(428, 'PUT', '/api/instances/one', { settings: { hostname: 'h' } });
        await good(412, 'PUT', '/api/instances/one', { settings: { hostname: 'h' } }, { 'If-Match': '"no"' });
        await good(422, 'PUT', '/api/instances/one', { settings: { hostname: 'elsewhere', 'bearer-token': { set: true } } }, await ofInstance('one'));
        await good(200, 'PUT', '/api/instances/one', { settings: { hostname: '127.0.0.1', port: host.server.port, path: '/echo', 'log-comms': 'true' } }, await ofInstance('one'));
        await good(200, 'POST', '/api/instances/two/rename', { name: 'zwei' }, await ofInstance('two'));
        await good(409, 'DELETE', '/api/instances/press', undefined, await ofInstance('press'));
        await good(200, 'DELETE', '/api/instances/zwei', undefined, await ofInstance('zwei'));
        const call = await good(200, 'POST', '/api/instances/press/actions/send-message?wait=5', { arguments: { message: 'hello' } });
        await good(200, 'GET', `/api/calls/${call.call}`);
        await good(422, 'POST', '/api/instances/press/actions/send-message', { arguments: {} });
        let step = await good(202, 'POST', '/api/instances/press/test', {});
        while (!step.ended) step = await good(200, 'GET', `/api/tests/${step.test}?after=${step.step}&wait=5`);
        assert.equal(step.passed, true);
        await good(404, 'GET', '/api/instances/nobody');

        const rule = { name: 'a/b "c"', on: [{ trigger: 'press/message-received', match: [{ kind: 'contains', text: 'x' }] }], do: [{ action: 'press/send-message', arguments: { message: '${message}' } }] };
        await good(201, 'POST', '/api/rules', rule);
        const named = `/api/rules/${encodeURIComponent(rule.name)}`;
        await good(200, 'GET', named);
        await good(200, 'PUT', `${named}?check=true`, { ...rule, on: [{ trigger: 'nobody/ready' }] });
        await good(412, 'PUT', named, rule, { 'If-Match': '"no"' });
        await good(200, 'PUT', named, { ...rule, stop: true }, await revision(named));
        await good(201, 'POST', `${named}/duplicate`, { name: 'copy' });
        await good(428, 'PUT', `${named}/enabled`, { enabled: false });
        await good(412, 'PUT', `${named}/enabled`, { enabled: false }, { 'If-Match': '"no"' });
        await good(200, 'PUT', `${named}/enabled`, { enabled: false }, await revision(named));
        await good(409, 'POST', `${named}/fire`);
        await good(200, 'POST', '/api/rules/Count%20strokes/fire');
        const { rules, revision: order } = await good(200, 'GET', '/api/rules');
        await good(200, 'PUT', '/api/rules-order', { names: rules.map((one) => one.name).reverse() }, { 'If-Match': `"${order}"` });
        await good(200, 'POST', '/api/try', { rule, sample: { trigger: 'press/message-received', variables: { message: 'x y' } } });
        await good(200, 'DELETE', named, undefined, await revision(named));
        await good(200, 'PUT', '/api/variables/speed', { type: 'int', initial: '3' });
        const listed = async (path, name) => {
            const all = await good(200, 'GET', path);
            return { 'If-Match': `"${(all.variables ?? all).find((one) => one.name === name).revision}"` };
        };
        await good(428, 'DELETE', '/api/variables/speed');
        await good(409, 'DELETE', '/api/variables/strokes', undefined, await listed('/api/rules', 'strokes'));
        await good(200, 'DELETE', '/api/variables/speed', undefined, await listed('/api/rules', 'speed'));
        const { events } = await good(200, 'GET', '/api/trace?limit=1');
        await good(200, 'POST', `/api/trace/${events[0].number}/replay`);

        const xml = await good(200, 'GET', '/api/project');
        const system = await good(200, 'GET', '/api/system');
        await good(200, 'PUT', '/api/project?check=true', '<project><instance', { 'Content-Type': 'application/xml' });
        await good(200, 'PUT', '/api/project', xml, { 'Content-Type': 'application/xml', 'If-Match': `"${system.project.revision}"` });
        await good(200, 'POST', '/api/project/reload');

        // Somebody changes the file by hand: no edit overwrites that, whatever it is of.
        const [ofPress, ofRule, ofRules, ofStrokes] = [await ofInstance('press'), await revision('/api/rules/Report'), { 'If-Match': `"${(await good(200, 'GET', '/api/rules')).revision}"` }, await listed('/api/rules', 'strokes')];
        const before = await good(200, 'GET', '/api/instances/press');
        const report = rules.find((one) => one.name === 'Report');
        const draft = { name: 'Report', on: report.on, when: report.when, do: report.do };
        const again = { 'If-Match': `"${(await good(200, 'GET', '/api/system')).project.revision}"` };
        await host.editFile((text) => text.replace('name="Line 3"', 'name="Line 4"'));
        await good(409, 'PUT', '/api/instances/press', { settings: { ...before.settings, path: '/other' } }, ofPress);
        await good(409, 'POST', '/api/instances/press/rename', { name: 'hammer' }, ofPress);
        await good(409, 'POST', '/api/instances/press/duplicate', { name: 'hammer' });
        await good(409, 'POST', '/api/instances', { name: 'hammer', module: 'websocket-client', settings: { hostname: '127.0.0.1' } });
        await good(409, 'POST', '/api/instances/table', { module: 'websocket-client', rows: [{ name: 'hammer', settings: { hostname: '127.0.0.1' } }] });
        await good(409, 'POST', '/api/rules', { ...draft, name: 'Another' });
        await good(409, 'PUT', '/api/rules/Report', { ...draft, stop: true }, ofRule);
        await good(409, 'POST', '/api/rules/Report/duplicate', { name: 'Another' });
        await good(409, 'PUT', '/api/rules/Report/enabled', { enabled: false }, ofRule);
        await good(409, 'DELETE', '/api/rules/Report', undefined, ofRule);
        await good(409, 'PUT', '/api/rules-order', { names: rules.map((one) => one.name).filter((one) => one !== rule.name) }, ofRules);
        await good(409, 'PUT', '/api/variables/strokes', { type: 'int', initial: '7' }, ofStrokes);
        await good(409, 'PUT', '/api/project', xml, { 'Content-Type': 'application/xml', ...again });
        await until('/api/system', (one) => one.project.onDisk === 'changed');
        await good(200, 'POST', '/api/project/reload');
        assert.deepEqual((({ name, onDisk }) => ({ name, onDisk }))((await good(200, 'GET', '/api/system')).project), { name: 'Line 4', onDisk: 'same' });

        await good(204, 'PUT', '/api/secrets/key', { value: 'v' });
        await good(409, 'DELETE', '/api/secrets/roof-bearer-token');
        await good(428, 'PUT', '/api/secrets/key', { value: 'w' });
        await good(412, 'DELETE', '/api/secrets/key', undefined, { 'If-Match': '"no"' });
        await good(204, 'DELETE', '/api/secrets/key', undefined, await listed('/api/secrets', 'key'));
        await good(204, 'PUT', '/api/files/a.pem', Buffer.from('pem'), { 'Content-Type': 'application/octet-stream' });
        await good(428, 'DELETE', '/api/files/a.pem');
        await good(204, 'DELETE', '/api/files/a.pem', undefined, await listed('/api/files', 'a.pem'));
        await good(422, 'PUT', '/api/certificate', { certificate: 'none', key: 'none' });
        await good(200, 'PUT', '/api/certificate', pair('controller.plant.example'));
        await good(200, 'DELETE', '/api/certificate');
        const made = await good(201, 'POST', '/api/tokens', { name: 'script', right: 'read', days: 3 });
        await good(204, 'DELETE', `/api/tokens/${made.info.id}`);
        await good(200, 'POST', '/api/password/first', { password: 'correct horse' });
        await good(422, 'PUT', '/api/password', { old: 'wrong', password: 'battery staple' });
        await good(204, 'PUT', '/api/password', { old: 'correct horse', password: 'battery staple' });
        await good(204, 'DELETE', '/api/session');
        await good(401, 'POST', '/api/session', { password: 'no' });
        await good(200, 'POST', '/api/session', { password: 'battery staple' });
        const socket = new WebSocket(`${host.url.replace('http', 'ws')}/api/channel`, 'iom.page.1', { headers: { Origin: host.url, Cookie: ask.cookie() } });
        await once(socket, 'message');
        socket.terminate();
        assert.deepEqual(host.breaches(), []);
        const untried = operations.map((one) => one.operationId).filter((id) => !host.answered().has(id));
        assert.deepEqual(untried, []);
    } finally {
        await host.stop();
    }
});

test('without a log-in every route that is not public is 401 and tells nothing', async () => {
    const host = await begin({ password: 'correct horse' });
    try {
        for (const { path, method } of operations.filter((one) => one['x-right'] !== 'public')) {
            const response = await fetch(host.url + path.replace(/\{\w+\}/g, 'press'), { method, ...(method === 'GET' ? {} : { body: '{}' }) });
            assert.equal(response.status, 401, `${method} ${path}`);
            assert.deepEqual(await response.json(), { error: 'unauthorised', sentence: 'Log in first.' });
        }
        assert.deepEqual(operations.filter((one) => one['x-right'] === 'public').map((one) => one.operationId).sort(), ['getPage', 'getPageByName', 'getSession', 'logIn', 'setFirstPassword']);
        assert.deepEqual(await (await fetch(`${host.url}/api/session`)).json(), { state: 'log-in', rights: [] });
        // The bodies were empty on purpose; the answers were not.
        assert.deepEqual(host.breaches().splice(0).filter((one) => !one.startsWith('request ')), []);
    } finally {
        await host.stop();
    }
});

test('the channel says full state first, then changes, numbered without a gap', async () => {
    const host = await begin();
    try {
        const socket = new WebSocket(`${host.url.replace('http', 'ws')}/api/channel`, 'iom.page.1');
        const heard = [];
        let wake = () => {};
        socket.on('message', (data) => {
            heard.push(JSON.parse(data));
            wake();
        });
        const until = async (holds) => {
            while (!holds()) await new Promise((go) => (wake = go));
        };
        await until(() => heard.some((one) => one.type === 'hello'));
        const topics = ['modules', 'instance', 'rules', 'log', 'frames', 'trace', 'system'];
        topics.forEach((topic, i) => socket.send(JSON.stringify({ type: 'subscribe', id: i + 1, topic, ...(topic === 'instance' ? { filter: { instance: 'roof' } } : {}) })));
        await until(() => topics.every((_, i) => heard.some((one) => one.type === 'full' && one.id === i + 1)));
        // Something happens of which each topic tells.
        await host.say('roof', 'a change');
        await until(() => topics.every((topic) => heard.some((one) => one.type === 'change' && one.topic === topic)));
        for (const [i, topic] of topics.entries()) {
            const mine = heard.filter((one) => one.id === i + 1);
            assert.equal(mine[0].type, 'full', topic);
            assert.deepEqual(mine.map((one) => one.seq), mine.map((_, number) => number), topic);
        }
        socket.send(JSON.stringify({ type: 'subscribe', id: 99, topic: 'nothing' }));
        await until(() => heard.some((one) => one.type === 'error' && one.id === 99));
        socket.terminate();
        // That question broke the contract on purpose.
        const broken = host.breaches().splice(0);
        assert.deepEqual(broken.filter((one) => !one.includes('nothing')), []);
        assert.equal(broken.length, 1);
    } finally {
        await host.stop();
    }
});
