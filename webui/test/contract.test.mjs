// The mock answers as openapi.json says, on every route: so the page is developed against the truth.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import WebSocket from 'ws';
import { start } from '../mock/main.mjs';
import { contract, Inspector } from './contract.mjs';

const operations = Object.entries(contract.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, one]) => ({ path, method: method.toUpperCase(), ...one })));

function client(url) {
    let cookie = '';
    return async (method, path, body, headers = {}) => {
        const json = body !== undefined && typeof body !== 'string' && !Buffer.isBuffer(body);
        const response = await fetch(url + path, {
            method,
            headers: { ...(cookie ? { cookie } : {}), ...(json ? { 'Content-Type': 'application/json' } : {}), ...headers },
            ...(body === undefined ? {} : { body: json ? JSON.stringify(body) : body }),
        });
        const set = response.headers.get('set-cookie');
        if (set) cookie = set.split(';')[0];
        const type = response.headers.get('content-type') ?? '';
        return { status: response.status, headers: response.headers, body: type.includes('json') ? await response.json() : await response.text() };
    };
}

test('every operation is answered as the contract says', async () => {
    const inspector = new Inspector();
    const mock = await start({ onAnswer: (one) => inspector.answer(one) });
    mock.api.onAsk = (one) => inspector.ask(one);
    try {
        const ask = client(mock.url);
        const good = async (status, ...args) => {
            const answer = await ask(...args);
            assert.equal(answer.status, status, `${args[0]} ${args[1]}: ${JSON.stringify(answer.body).slice(0, 300)}`);
            return answer.body;
        };
        const revision = async (path) => ({ 'If-Match': (await ask('GET', path)).headers.get('etag') });
        const ofInstance = (name) => revision(`/api/instances/${name}`);
        for (const path of ['session', 'modules', 'instances', 'instances/press', 'rules', 'trace', 'log', 'frames', 'system', 'tokens', 'secrets', 'files', 'certificate', 'instances/press/history', 'log/download', 'openapi.json', 'project', 'instances/press/text', 'support-bundle']) await good(200, 'GET', `/api/${path}`);
        await good(200, 'GET', '/metrics');
        await good(200, 'GET', '/');

        await good(200, 'POST', '/api/instances?check=true', { name: 'x y', module: 'websocket-client', settings: { port: 'http' } });
        await good(201, 'POST', '/api/instances', { name: 'one', module: 'websocket-client', settings: { hostname: '127.0.0.1', port: '9001', path: '/echo', 'bearer-token': 'abc' } });
        const pasted = await good(200, 'GET', '/api/instances/one/text');
        await good(201, 'POST', '/api/instances', { text: pasted, name: 'two' });
        await good(201, 'POST', '/api/instances/two/duplicate', { name: 'three' });
        await good(201, 'POST', '/api/instances/table', { module: 'websocket-client', like: 'one', rows: [{ name: 't-1', settings: { path: '/a' } }, { name: 't-2', settings: {} }] });
        await good(428, 'PUT', '/api/instances/one', { settings: { hostname: 'h' } });
        await good(412, 'PUT', '/api/instances/one', { settings: { hostname: 'h' } }, { 'If-Match': '"no"' });
        await good(422, 'PUT', '/api/instances/one', { settings: { hostname: 'elsewhere', 'bearer-token': { set: true } } }, await ofInstance('one'));
        await good(200, 'PUT', '/api/instances/one', { settings: { hostname: '127.0.0.1', port: '9001', path: '/echo', 'log-comms': 'true' } }, await ofInstance('one'));
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
        await good(204, 'PUT', '/api/secrets/key', { value: 'v' });
        await good(409, 'DELETE', '/api/secrets/roof-bearer-token');
        await good(428, 'PUT', '/api/secrets/key', { value: 'w' });
        await good(412, 'DELETE', '/api/secrets/key', undefined, { 'If-Match': '"no"' });
        await good(204, 'DELETE', '/api/secrets/key', undefined, await listed('/api/secrets', 'key'));
        await good(204, 'PUT', '/api/files/a.pem', Buffer.from('pem'), { 'Content-Type': 'application/octet-stream' });
        await good(428, 'DELETE', '/api/files/a.pem');
        await good(204, 'DELETE', '/api/files/a.pem', undefined, await listed('/api/files', 'a.pem'));
        await good(200, 'PUT', '/api/certificate', { certificate: '-----BEGIN CERTIFICATE-----', key: 'k' });
        await good(200, 'DELETE', '/api/certificate');
        const made = await good(201, 'POST', '/api/tokens', { name: 'script', right: 'read', days: 3 });
        await good(204, 'DELETE', `/api/tokens/${made.info.id}`);
        await good(200, 'POST', '/api/password/first', { password: 'correct horse' });
        await good(422, 'PUT', '/api/password', { old: 'wrong', password: 'battery staple' });
        await good(204, 'PUT', '/api/password', { old: 'correct horse', password: 'battery staple' });
        await good(204, 'DELETE', '/api/session');
        await good(401, 'POST', '/api/session', { password: 'no' });
        await good(200, 'POST', '/api/session', { password: 'battery staple' });
        assert.deepEqual(inspector.breaches, []);
        const untried = operations.map((one) => one.operationId).filter((id) => !inspector.answered.has(id) && !['openChannel', 'getPage'].includes(id));
        assert.deepEqual(untried, []);
    } finally {
        await mock.stop();
    }
});

test('without a log-in every route that is not public is 401 and tells nothing', async () => {
    const mock = await start({ password: 'correct horse' });
    try {
        for (const { path, method, 'x-right': right } of operations) {
            const response = await fetch(mock.url + path.replace(/\{\w+\}/g, 'press'), { method, ...(method === 'GET' ? {} : { body: '{}' }) });
            if (right !== 'public') {
                assert.equal(response.status, 401, `${method} ${path}`);
                assert.deepEqual(await response.json(), { error: 'unauthorised', sentence: 'Log in first.' });
            }
        }
        assert.deepEqual(operations.filter((one) => one['x-right'] === 'public').map((one) => one.operationId).sort(), ['getPage', 'getSession', 'logIn', 'setFirstPassword']);
        assert.deepEqual(await (await fetch(`${mock.url}/api/session`)).json(), { state: 'log-in', rights: [] });
    } finally {
        await mock.stop();
    }
});

test('the channel says full state first, then changes, numbered without a gap', async () => {
    const inspector = new Inspector();
    const mock = await start();
    mock.api.onSay = (one) => inspector.said(one);
    mock.api.onHear = (one) => inspector.heard(one);
    try {
        const socket = new WebSocket(`${mock.url.replace('http', 'ws')}/api/channel`, 'iom.page.1');
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
        await until(() => topics.every((topic) => heard.some((one) => one.type === 'change' && one.topic === topic)));
        for (const [i, topic] of topics.entries()) {
            const mine = heard.filter((one) => one.id === i + 1);
            assert.equal(mine[0].type, 'full', topic);
            assert.deepEqual(mine.map((one) => one.seq), mine.map((_, number) => number), topic);
        }
        socket.send(JSON.stringify({ type: 'subscribe', id: 99, topic: 'nothing' }));
        await until(() => heard.some((one) => one.type === 'error' && one.id === 99));
        socket.terminate();
        assert.deepEqual(inspector.breaches.filter((one) => !one.includes('nothing')), []);
    } finally {
        await mock.stop();
    }
});
