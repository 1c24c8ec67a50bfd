// A controller that is not there: a project, instances that live, rules that fire, a log, frames, a trace.
import { createHash, randomBytes } from 'node:crypto';
import { hostModule, readManifest, settingsOf } from './manifest.mjs';
import { tryRule } from './rules.mjs';

const here = (name) => new URL(name, import.meta.url);
const kept = { log: 2000, frames: 2000, trace: 1000, calls: 256 };

const demo = () => ({
    name: 'Line 3',
    secrets: new Map([['roof-bearer-token', 'f7c1e0'], ['dispatch-password', 'opensesame']]),
    files: new Map([['plant-ca.pem', { size: 1834, changed: Date.now() - 8.64e7 * 40 }]]),
    instances: [
        {
            name: 'press',
            module: 'websocket-client',
            settings: {
                hostname: '127.0.0.1',
                port: '9001',
                path: '/machine',
                greeting: [{ send: '{"type":"bind","things":["press-1"]}' }],
                'ready-match': [{ kind: 'json', pointer: '/type', op: '=', text: 'bound' }],
                farewell: ['{"type":"unbind","things":["press-1"]}'],
            },
        },
        { name: 'crane', module: 'websocket-client', settings: { hostname: '127.0.0.1', port: '9444', path: '/crane' } },
        {
            name: 'roof',
            module: 'websocket-client',
            settings: {
                hostname: 'roof.plant.example',
                protocol: 'wss',
                path: '/events?site=7',
                'bearer-token': '${secret:roof-bearer-token}',
                headers: ['X-Site: 7', 'Origin: https://plant.example'],
                'tls-verify': 'false',
                'extended-logging': 'true',
                'log-comms': 'true',
                subprotocols: ['plant.v2'],
            },
        },
        { name: 'dispatch', module: 'websocket-client', settings: { hostname: '127.0.0.1', port: '9001', path: '/missing', username: 'line3', password: '${secret:dispatch-password}' } },
        { name: 'archive', module: 'websocket-client', settings: { hostname: 'archive.plant.example', 'connect-at-startup': 'false' } },
        { name: 'meter', module: 'modbus-meter', settings: { address: '10.0.4.20', model: 'em24', limit: '38', code: '${secret:dispatch-password}' } },
    ],
    variables: [
        { name: 'strokes', type: 'int', initial: '0' },
        { name: 'last-alarm', type: 'text', initial: 'none' },
    ],
    rules: [
        {
            name: 'Acknowledge alarms',
            on: [{ trigger: 'press/message-received', match: [{ kind: 'regex', text: '^ALARM (\\d+) level (\\d+) (.+)$' }] }],
            when: [{ status: 'press/connection-status', is: 'ready' }],
            do: [
                { action: 'press/send-message', arguments: { message: 'ACK ${3}' } },
                { action: 'host/set', arguments: { variable: 'last-alarm', value: '${5}' } },
                { action: 'host/log', arguments: { message: 'alarm ${3}, level ${4}: ${5}' } },
            ],
        },
        { name: 'Tell dispatch of severe alarms', on: [{ trigger: 'press/message-received', match: [{ kind: 'contains', text: 'ALARM' }] }], when: [{ status: 'dispatch/is-ready', is: 'true' }], do: [{ action: 'dispatch/send-message', arguments: { message: '{"from":"press","text":"${message|json}"}' } }] },
        { name: 'Count strokes', on: [{ trigger: 'host/every', interval: '1s' }], do: [{ action: 'host/add', arguments: { variable: 'strokes', value: '1' } }] },
        { name: 'Report', on: [{ trigger: 'host/every', interval: '5s' }], when: [{ status: 'press/connection-status', is: 'ready' }], do: [{ action: 'press/send-message', arguments: { message: '{"type":"state","thing":"press-1","strokes":${host/strokes},"alarm":"${host/last-alarm|json}"}' } }] },
        { name: 'Say why a line is down', on: [{ trigger: '*/error' }], do: [{ action: 'host/log', arguments: { message: '${instance}: ${sentence}', level: 'warning' } }] },
        { name: 'Night mode', enabled: false, on: [{ trigger: 'host/manual' }], do: [{ action: 'roof/send-message', arguments: { message: '{"lights":"off"}' } }] },
    ],
});

const plain = () => ({ name: 'New line', secrets: new Map(), files: new Map(), instances: [], variables: [], rules: [] });

export const durationOf = (written) => {
    const found = /^(\d+(?:\.\d+)?)(ms|s|min|h)$/.exec(written ?? '');
    return found ? Number(found[1]) * { ms: 1, s: 1000, min: 60000, h: 3600000 }[found[2]] : 0;
};

export class World {
    boot = randomBytes(6).toString('hex');
    key = randomBytes(16);
    started = Date.now();
    generation = 1;
    log = [];
    frames = [];
    trace = [];
    calls = [];
    tests = [];
    units = new Map();
    reports = new Map();
    values = new Map();
    logNumber = 0;
    frameNumber = 0;
    eventNumber = 0;
    lastFailed = new Map();
    servers = new Set(['127.0.0.1:9001', 'roof.plant.example:443']);

    constructor({ project = 'demo', pace = 1 } = {}) {
        this.modules = [hostModule, readManifest(here('../../manifest/websocket-client.xml')), readManifest(here('meter.xml'))];
        this.project = project === 'demo' ? demo() : plain();
        this.pace = pace;
        for (const one of this.project.variables) this.values.set(one.name, { value: typed(one.type, one.initial), at: null });
        this.write('info', `iomhost 2.3.0 runs "${this.project.name}": ${this.project.instances.length} instances, ${this.project.rules.length} rules`);
        this.sync();
        this.beat = setInterval(() => this.turn(), 100);
        this.fire('host/startup', {});
    }

    end() {
        clearInterval(this.beat);
        for (const unit of this.units.values()) unit.timers.forEach(clearTimeout);
    }

    // ---- looking things up

    get instances() {
        return this.project.instances;
    }
    get rules() {
        return this.project.rules;
    }
    get variables() {
        return this.project.variables;
    }
    module(id) {
        return this.modules.find((one) => one.id === id);
    }
    moduleOf = (name) => (name === 'host' ? hostModule : this.module(this.instances.find((one) => one.name === name)?.module));
    setting(name, id) {
        const instance = this.instances.find((one) => one.name === name);
        return instance?.settings[id] ?? settingsOf(this.module(instance?.module) ?? hostModule).find((one) => one.id === id)?.default ?? '';
    }
    on(name, id) {
        return /^(true|on|1)$/.test(this.setting(name, id));
    }
    lookUp(name, names) {
        if (names.has(name)) return names.get(name);
        if (name === 'now') return new Date().toISOString();
        if (name === 'uuid') return '1b671a64-40d5-491e-99b0-da01ff1f3341';
        if (name === 'seq') return '1';
        if (name.startsWith('char:')) return String.fromCodePoint(parseInt(name.slice(5), 16));
        if (name.startsWith('secret:')) return `\${${name}}`;
        const [owner, id] = name.split('/');
        if (owner === 'host') return this.values.get(id)?.value;
        return this.units.get(owner === 'this' ? names.get('instance') : owner)?.statuses[id]?.value ?? (this.moduleOf(owner)?.statuses.some((one) => one.id === id) ? '' : undefined);
    }
    revision(what) {
        const secrets = JSON.stringify(what).matchAll(/\$\{secret:([\w-]+)\}/g);
        const values = [...secrets].map(([, name]) => this.project.secrets.get(name) ?? '');
        return createHash('sha256').update(this.key).update(JSON.stringify([what, values])).digest('base64url').slice(0, 14);
    }

    // ---- log, frames, trace

    write(level, text, more = {}) {
        this.log.push({ number: ++this.logNumber, time: Date.now(), level, ...more, text });
        if (this.log.length > kept.log) this.log.shift();
    }
    frame(instance, way, opcode, payload, hex = false) {
        if (!this.on(instance, 'log-comms')) return;
        const length = hex ? payload.length / 2 : Buffer.byteLength(payload);
        this.frames.push({ number: ++this.frameNumber, time: Date.now(), instance, way, opcode, fin: true, length, payload: payload.slice(0, 4096), ...(hex ? { hex } : {}), ...(length > 4096 ? { cut: true } : {}) });
        if (this.frames.length > kept.frames) this.frames.shift();
        this.write('frame', `${way === 'in' ? 'in ' : 'out'} ${opcode} fin ${length} bytes: ${payload.slice(0, 4096)}`, { instance });
    }

    // ---- units: what an instance does

    /** Makes units what the project says, after an edit. */
    sync() {
        for (const [name, unit] of this.units)
            if (!this.instances.some((one) => one.name === name)) {
                unit.timers.forEach(clearTimeout);
                this.units.delete(name);
            }
        for (const instance of this.instances) {
            const settings = JSON.stringify([instance.settings, this.revision(instance)]);
            const unit = this.units.get(instance.name);
            if (!unit) this.startUnit(instance, settings);
            else if (unit.settings !== settings) {
                const module = this.module(instance.module);
                const before = JSON.parse(unit.settings)[0];
                const restart = settingsOf(module).some((one) => !one.live && JSON.stringify(before[one.id]) !== JSON.stringify(instance.settings[one.id]));
                unit.settings = settings;
                if (restart && instance.module === 'websocket-client') {
                    this.write('info', 'settings have changed, the connection is made anew', { instance: instance.name });
                    this.drop(unit, { layer: 'local', code: 'settings', sentence: 'The settings have changed.' }, true);
                    if (unit.wanted === 'connected') this.attempt(unit, true);
                }
            }
        }
        for (const rule of this.rules) if (!this.reports.has(rule.name)) this.reports.set(rule.name, { fired: 0, lastSaid: 'never' });
    }

    startUnit(instance, settings) {
        const module = this.module(instance.module);
        const unit = { name: instance.name, module, settings, statuses: {}, timers: new Set(), samples: [], states: [], counts: [0, 0], rates: [], rtt: [] };
        for (const one of module.statuses) unit.statuses[one.id] = { value: one.default === undefined ? null : typed(one.type, one.default), at: null };
        this.units.set(instance.name, unit);
        if (module.id === 'websocket-client') {
            this.pretendHistory(unit);
            unit.wanted = this.on(instance.name, 'connect-at-startup') ? 'connected' : 'disconnected';
            this.state(unit, 'stopped');
            if (unit.wanted === 'connected') this.attempt(unit, true);
        } else {
            this.post(unit, 'polling', 'good');
            unit.states.push({ at: Date.now() - 3.6e6, state: 'good' });
            this.post(unit, 'energy', 18234.5);
        }
    }

    pretendHistory(unit) {
        if (this.instances.length < 2 || this.generation > 1) return;
        const now = Date.now();
        for (let i = 360; i > 0; --i) {
            const gap = (i > 120 && i < 128) || i > 300;
            unit.samples.push({ at: now - i * 1e4, rtt: gap ? null : 9 + 4 * Math.sin(i / 9) + (i % 37 === 0 ? 30 : Math.random() * 3), sent: gap ? 0 : 0.4 + Math.random() * 0.2, received: gap ? 0 : 2 + Math.sin(i / 20) + Math.random() });
        }
        unit.states.push({ at: now - 3.6e6, state: 'stopped' }, { at: now - 3.0e6, state: 'ready' }, { at: now - 1.28e6, state: 'waiting' }, { at: now - 1.2e6, state: 'ready' });
    }

    post(unit, id, value) {
        const status = unit.statuses[id];
        if (!status || status.value === value) return;
        unit.statuses[id] = { value, at: Date.now() };
    }
    state(unit, to) {
        this.post(unit, 'connection-status', to);
        this.post(unit, 'is-established', to === 'established' || to === 'ready');
        this.post(unit, 'is-ready', to === 'ready');
        unit.states.push({ at: Date.now(), state: to });
        if (unit.states.length > 500) unit.states.shift();
        if (this.on(unit.name, 'extended-logging')) this.write('debug', `state: ${to}`, { instance: unit.name });
        unit.onState?.(to);
    }
    later(unit, milliseconds, what) {
        const timer = setTimeout(() => {
            unit.timers.delete(timer);
            what();
        }, milliseconds * this.pace);
        unit.timers.add(timer);
    }

    /** Where the line leads, and how it ends: null if well, or {layer, code, sentence, fatal}. */
    outcome(name, settings) {
        const text = (id) => settings[id] ?? settingsOf(this.module('websocket-client')).find((one) => one.id === id).default ?? '';
        const port = Number(text('port')) || (text('protocol') === 'wss' ? 443 : 80);
        const host = text('hostname');
        const place = `${host}:${port}`;
        if (!/^[\d.]+$|^\[|^localhost$/.test(host) && !this.servers.has(place))
            return { layer: 'dns', code: 'EAI_NONAME', sentence: `The name ${host} is unknown. Check Hostname, and the name server that this controller uses.` };
        if (!this.servers.has(place))
            return { layer: 'tcp', code: 'ECONNREFUSED', sentence: `${place} refused the connection: nothing listens there. Check Port, and that the server runs.` };
        if (text('path').startsWith('/missing')) return { layer: 'http', code: '404', sentence: `${place} knows no such path (404). Check Path.`, fatal: true };
        return null;
    }
    address(instance) {
        if (instance.module !== 'websocket-client') return instance.settings.address;
        const text = (id) => this.setting(instance.name, id);
        const port = Number(text('port'));
        return text('hostname') && `${text('protocol')}://${text('hostname')}${port ? `:${port}` : ''}${text('path')}`;
    }

    attempt(unit, first = false) {
        unit.timers.forEach(clearTimeout);
        unit.timers.clear();
        const settings = this.instances.find((one) => one.name === unit.name).settings;
        const secure = this.setting(unit.name, 'protocol') === 'wss';
        const fault = this.outcome(unit.name, settings);
        this.post(unit, 'attempt', first ? 1 : unit.statuses.attempt.value + 1);
        this.post(unit, 'next-retry', 0);
        const steps = ['resolving', 'connecting', ...(secure ? ['securing'] : []), 'upgrading', 'established'];
        const stopAt = fault ? { dns: 'resolving', tcp: 'connecting', tls: 'securing', http: 'upgrading' }[fault.layer] : null;
        const next = (i) => {
            this.state(unit, steps[i]);
            if (steps[i] === 'upgrading') this.fire(`${unit.name}/connected`, { 'remote-address': this.place(unit) });
            this.later(unit, steps[i] === 'securing' ? 60 : 25, () => {
                if (steps[i] === stopAt) this.drop(unit, fault);
                else if (i + 1 < steps.length) next(i + 1);
                else this.ready(unit, secure);
            });
        };
        next(0);
    }
    place(unit) {
        const port = Number(this.setting(unit.name, 'port')) || (this.setting(unit.name, 'protocol') === 'wss' ? 443 : 80);
        const host = this.setting(unit.name, 'hostname');
        return `${/^[\d.]+$/.test(host) ? host : '10.0.4.17'}:${port}`;
    }
    ready(unit, secure) {
        this.post(unit, 'remote-address', this.place(unit));
        this.post(unit, 'tls-session', secure ? 'TLS 1.3, TLS_AES_128_GCM_SHA256' : '');
        this.post(unit, 'certificate-expiry', secure ? new Date(Date.now() + 8.64e7 * 61).toISOString() : '');
        this.post(unit, 'established-since', new Date().toISOString());
        this.post(unit, 'attempt', 0);
        if (unit.wasReady) this.post(unit, 'reconnects', unit.statuses.reconnects.value + 1);
        this.fire(`${unit.name}/websocket-established`, { subprotocol: '', 'tls-session': unit.statuses['tls-session'].value });
        for (const step of this.setting(unit.name, 'greeting') || []) if (step.send) this.frame(unit.name, 'out', 'text', step.send);
        if (this.setting(unit.name, 'greeting')) this.frame(unit.name, 'in', 'text', '{"type":"bound","things":["press-1"]}');
        this.state(unit, 'ready');
        unit.wasReady = unit.recovered = true;
        this.write('info', `ready: ${this.address(this.instances.find((one) => one.name === unit.name))}`, { instance: unit.name });
        if (!this.on(unit.name, 'tls-verify') && secure) this.write('warning', 'the certificate of the server is not verified (Verify certificate is off)', { instance: unit.name });
        this.fire(`${unit.name}/ready`, {});
        unit.nextPing = Date.now() + 300;
    }
    drop(unit, fault, quiet = false) {
        const was = unit.statuses['connection-status'].value;
        unit.timers.forEach(clearTimeout);
        unit.timers.clear();
        for (const id of ['remote-address', 'tls-session', 'certificate-expiry', 'established-since']) this.post(unit, id, '');
        if (!quiet) {
            this.post(unit, 'last-error', fault.sentence);
            this.post(unit, 'last-error.layer', fault.layer);
            this.post(unit, 'last-error.code', fault.code);
            const error = unit.statuses['last-error'];
            error.at = Date.now();
            if (unit.recovered !== false || unit.failedWith !== fault.sentence) unit.failedSince = error.at;
            Object.assign(unit, { recovered: false, failedWith: fault.sentence });
            if (fault.layer !== 'local') {
                this.write('error', fault.sentence, { instance: unit.name });
                this.fire(`${unit.name}/error`, fault);
            }
        }
        if (was === 'ready') this.fire(`${unit.name}/disconnected`, { ...fault, clean: false, 'was-ready': true, 'seconds-up': 12, unconfirmed: 0 });
        if (quiet || unit.wanted !== 'connected' || !this.on(unit.name, 'auto-reconnect')) return this.state(unit, 'stopped');
        const delay = fault.fatal ? 240 : Math.min(30, 1 + 2 ** Math.min(unit.statuses.attempt.value, 5) * Math.random());
        this.state(unit, fault.fatal ? 'faulted' : 'waiting');
        if (fault.fatal) this.fire(`${unit.name}/faulted`, fault);
        unit.statuses['next-retry'] = { value: Math.round(delay * 10) / 10, at: Date.now() };
        this.later(unit, delay * 1000, () => this.attempt(unit));
    }

    // ---- the far ends

    /** The server at that place goes, or comes back. */
    server(place, up) {
        if (up) {
            this.servers.add(place);
            for (const unit of this.units.values())
                if (['waiting', 'faulted'].includes(unit.statuses['connection-status']?.value) && this.placeOf(unit) === place) {
                    unit.statuses['next-retry'] = { value: 1.5, at: Date.now() };
                    unit.timers.forEach(clearTimeout);
                    this.later(unit, 1500, () => this.attempt(unit));
                }
        } else {
            this.servers.delete(place);
            for (const unit of this.units.values())
                if (unit.statuses['connection-status']?.value === 'ready' && this.placeOf(unit) === place)
                    this.drop(unit, { layer: 'close', code: '1006', sentence: `The connection to ${place} broke off (1006).` });
        }
    }
    placeOf(unit) {
        return `${this.setting(unit.name, 'hostname')}:${Number(this.setting(unit.name, 'port')) || (this.setting(unit.name, 'protocol') === 'wss' ? 443 : 80)}`;
    }
    /** The server sends a message. */
    say(name, message) {
        const unit = this.units.get(name);
        if (unit?.statuses['connection-status'].value !== 'ready') return;
        ++unit.counts[1];
        this.post(unit, 'messages-received', unit.statuses['messages-received'].value + 1);
        this.post(unit, 'bytes-received', unit.statuses['bytes-received'].value + Buffer.byteLength(message));
        unit.statuses['last-received'] = { value: message.slice(0, 4096), at: Date.now(), ...(message.length > 4096 ? { cut: true } : {}) };
        this.frame(name, 'in', 'text', message);
        this.fire(`${name}/message-received`, { message, binary: false });
    }
    send(name, message, hex = false) {
        const unit = this.units.get(name);
        if (unit.statuses['connection-status'].value !== 'ready') return `There is no session: ${name} is ${unit.statuses['connection-status'].value}, and When not established is Error.`;
        ++unit.counts[0];
        this.post(unit, 'messages-sent', unit.statuses['messages-sent'].value + 1);
        this.post(unit, 'bytes-sent', unit.statuses['bytes-sent'].value + Buffer.byteLength(message));
        unit.statuses['last-sent'] = { value: message, at: Date.now(), ...(hex ? { hex } : {}) };
        this.frame(name, 'out', hex ? 'binary' : 'text', message, hex);
        if (this.setting(name, 'path').startsWith('/echo')) this.later(unit, 15, () => this.say(name, message));
        return '';
    }

    // ---- actions

    act(name, action, args, by) {
        const call = { call: (this.calls.at(-1)?.call ?? 0) + 1, instance: name, action, state: 'running', milliseconds: 0 };
        const begun = Date.now();
        this.calls.push(call);
        if (this.calls.length > kept.calls) this.calls.shift();
        const finish = (sentence) => {
            call.state = sentence ? 'failed' : 'done';
            if (sentence) call.sentence = sentence;
            call.milliseconds = Date.now() - begun;
            if (sentence) this.write('error', `${name}/${action}: ${sentence}`, { instance: name, ...(by ? { rule: by } : {}) });
        };
        const unit = this.units.get(name);
        if (unit.module.id !== 'websocket-client') {
            if (action === 'reset' && args.sure !== 'true') finish('Nothing was reset: I am sure is not set.');
            else {
                if (action === 'reset') this.post(unit, 'energy', Number(args.to ?? 0));
                finish();
            }
            return call;
        }
        const state = unit.statuses['connection-status'].value;
        switch (action) {
            case 'connect':
                unit.wanted = 'connected';
                if (state === 'ready') {
                    this.write('info', 'connected already; the session is kept', { instance: name });
                    finish();
                    break;
                }
                this.attempt(unit);
                unit.onState = (to) => {
                    if (['ready', 'waiting', 'faulted', 'stopped'].includes(to)) {
                        unit.onState = undefined;
                        finish(to === 'ready' ? '' : unit.statuses['last-error'].value);
                    }
                };
                break;
            case 'disconnect':
                unit.wanted = 'disconnected';
                if (state === 'ready') this.frame(name, 'out', 'close', '03e8', true);
                this.drop(unit, { layer: 'local', code: 'disconnect', sentence: `Disconnected from ${this.placeOf(unit)} as asked.` }, true);
                finish();
                break;
            case 'request': {
                const refused = this.send(name, args.message ?? '');
                if (refused) finish(refused);
                else
                    this.later(unit, 15, () => {
                        const message = args.message.includes('"bind"') ? '{"type":"bound","things":["press-1"]}' : args.message;
                        this.say(name, message);
                        this.fire(`${name}/reply-received`, { request: args.message, message, milliseconds: Date.now() - begun });
                        finish();
                    });
                break;
            }
            case 'send-message':
                finish(this.send(name, args.message ?? ''));
                break;
            case 'send-binary':
                finish(this.send(name, (args.data ?? '').replace(/\s/g, ''), true));
                break;
            case 'ping':
                if (state !== 'ready') finish('There is no session to ping.');
                else {
                    unit.nextPing = 0;
                    finish();
                }
                break;
            default:
                finish();
        }
        return call;
    }

    // ---- rules

    fire(trigger, variables, { byHand, by, only } = {}) {
        const [owner, id] = trigger.split('/');
        const module = this.moduleOf(owner);
        const described = module?.triggers.find((one) => one.id === id);
        const event = { trigger, variables, byHand };
        const first = described?.variables[0];
        const message = ['text', 'data'].includes(first?.type) ? variables[first.id] : undefined;
        const record = { number: ++this.eventNumber, time: Date.now(), cause: byHand ? 'hand' : by ? 'rule' : 'trigger', ...(by ? { by } : {}), trigger, listeners: 0, looks: [], omitted: 0 };
        if (message !== undefined) record.message = { text: message.slice(0, 4096), ...(message.length > 4096 ? { cut: true } : {}) };
        const rest = described?.variables.filter((one) => !(message !== undefined && one === first) && variables[one.id] !== undefined) ?? [];
        if (rest.length) record.variables = Object.fromEntries(rest.map((one) => [one.id, String(variables[one.id])]));
        let stopped;
        for (const rule of this.rules) {
            if (only && rule.name !== only) continue;
            const said = tryRule(rule, event, this);
            if (said.said === 'other-trigger') continue;
            ++record.listeners;
            const report = this.reports.get(rule.name) ?? { fired: 0, lastSaid: 'never' };
            this.reports.set(rule.name, report);
            const now = Date.now();
            report.lastLooked = now;
            if (stopped) Object.assign(said, { said: 'stopped', sentence: `It was not reached, because rule "${stopped}" ended the walk.` });
            report.lastSaid = said.said;
            report.sentence = said.said === 'fired' ? 'It fired.' : said.sentence;
            const look = { rule: rule.name, said: said.said, sentence: report.sentence, acts: [] };
            record.looks.push(look);
            if (said.said !== 'fired') {
                Object.assign(report, { lastNo: now, lastNoSaid: said.said, lastNoSentence: said.sentence });
                continue;
            }
            ++report.fired;
            report.lastFired = now;
            for (const act of said.would) look.acts.push(this.doAct(act, rule, record));
            if (rule.stop) {
                stopped = rule.name;
                record.stoppedBy = rule.name;
            }
        }
        // Nobody listens: not worth a line of the thousand, unless somebody has asked for it by hand.
        if (record.listeners === 0 && !trigger.endsWith('/reply-received')) {
            --this.eventNumber;
            return record;
        }
        this.trace.push(record);
        if (this.trace.length > kept.trace) this.trace.shift();
        return record;
    }
    doAct(act, rule, record) {
        const [owner, id] = act.action.split('/');
        if (act.after) return { action: act.action, state: 'put-off', milliseconds: durationOf(act.after) };
        if (owner === 'host') {
            if (id === 'log') this.write(act.arguments.level ?? 'info', act.arguments.message, { rule: rule.name });
            const variable = this.values.get(act.arguments.variable);
            const declared = this.variables.find((one) => one.name === act.arguments.variable);
            if (variable && id === 'set') Object.assign(variable, { value: typed(declared.type, act.arguments.value), at: Date.now() });
            if (variable && id === 'add') Object.assign(variable, { value: declared.type === 'text' ? variable.value + (act.arguments.value ?? '1') : variable.value + Number(act.arguments.value ?? 1), at: Date.now() });
            if (id === 'fire' && record.cause !== 'rule') this.fire('host/manual', {}, { byHand: true, by: rule.name, only: act.arguments.rule });
            return { action: act.action, state: 'done' };
        }
        const call = this.act(owner, id, act.arguments, rule.name);
        return { action: act.action, state: call.state === 'failed' ? 'refused' : call.state === 'running' ? 'begun' : 'done', ...(call.sentence ? { sentence: call.sentence } : {}) };
    }

    // ---- Test connection

    test(name, settings) {
        const secure = (settings.protocol ?? 'ws') === 'wss';
        const fault = this.outcome(name, settings);
        const found = { dns: '10.0.4.17', tcp: 'from 10.0.4.2:51344', tls: 'TLS 1.3, certificate of roof.plant.example until 22 January', http: '101 Switching Protocols', upgrade: 'Sec-WebSocket-Accept is right', pong: '' };
        const labels = { dns: 'Name', tcp: 'TCP', tls: 'TLS', upgrade: 'Upgrade', pong: 'First pong' };
        const test = { test: this.tests.length + 1, instance: name, ended: false, step: 0, milliseconds: 0, steps: Object.keys(labels).map((layer) => ({ layer, label: labels[layer], state: 'waiting' })) };
        this.tests.push(test);
        const begun = Date.now();
        const walk = (i) => {
            ++test.step;
            test.milliseconds = Date.now() - begun;
            const step = test.steps[i];
            if (!step) return Object.assign(test, { ended: true, passed: true, sentence: 'Everything works: the server answers.' });
            if (step.layer === 'tls' && !secure) {
                Object.assign(step, { state: 'skipped', detail: 'ws is not encrypted' });
                return walk(i + 1);
            }
            step.state = 'running';
            const at = Date.now();
            setTimeout(() => {
                step.milliseconds = Date.now() - at;
                if ((fault?.layer === 'http' ? 'upgrade' : fault?.layer) === step.layer) {
                    Object.assign(step, { state: 'failed', sentence: fault.sentence });
                    test.steps.slice(i + 1).forEach((one) => (one.state = 'skipped'));
                    if (!secure) test.steps.find((one) => one.layer === 'tls').detail = 'ws is not encrypted';
                    Object.assign(test, { ended: true, passed: false, sentence: fault.sentence, step: test.step + 1, milliseconds: Date.now() - begun });
                    return;
                }
                Object.assign(step, { state: 'passed', ...(found[step.layer] ? { detail: found[step.layer] } : {}) });
                walk(i + 1);
            }, (step.layer === 'tls' ? 80 : 30) * this.pace);
        };
        walk(0);
        return test;
    }

    // ---- time passes

    turn() {
        const now = Date.now();
        for (const rule of this.rules)
            for (const on of rule.on) {
                if (on.trigger !== 'host/every' || rule.enabled === false) continue;
                const every = durationOf(on.interval);
                if (every > 0 && now - (on.last ?? this.started) >= every) {
                    Object.defineProperty(on, 'last', { value: now, writable: true, configurable: true, enumerable: false });
                    this.fire('host/every', {}, { only: rule.name });
                }
            }
        for (const unit of this.units.values()) {
            if (unit.module.id !== 'websocket-client') {
                if (now - (unit.polled ?? 0) > 2000) {
                    unit.polled = now;
                    const power = Math.round((31 + 6 * Math.sin(now / 9000) + Math.random()) * 100) / 100;
                    this.post(unit, 'power', power);
                    this.post(unit, 'energy', Math.round((unit.statuses.energy.value + 0.02) * 100) / 100);
                    this.post(unit, 'over', power > Number(this.setting(unit.name, 'limit')));
                }
                continue;
            }
            if (unit.statuses['connection-status'].value === 'ready') {
                if (now >= (unit.nextPing ?? 0) && this.on(unit.name, 'send-keep-alive')) {
                    unit.nextPing = now + Math.min(Number(this.setting(unit.name, 'ping-interval')) * 1000, 5000);
                    const rtt = Math.round((8 + Math.random() * 7) * 10) / 10;
                    unit.rtt.push(rtt);
                    this.frame(unit.name, 'out', 'ping', '00000001', true);
                    this.frame(unit.name, 'in', 'pong', '00000001', true);
                    this.post(unit, 'round-trip', rtt);
                    this.post(unit, 'round-trip.min', Math.min(...unit.rtt));
                    this.post(unit, 'round-trip.max', Math.max(...unit.rtt));
                    this.post(unit, 'round-trip.mean', Math.round((unit.rtt.reduce((a, b) => a + b) / unit.rtt.length) * 10) / 10);
                }
                if (this.chatter !== false) {
                    if (unit.name === 'roof' && Math.random() < 0.25) this.say('roof', JSON.stringify({ type: 'weather', wind: Math.round(Math.random() * 90) / 10, at: new Date().toISOString() }));
                    if (unit.name === 'press' && Math.random() < 0.02) this.say('press', `ALARM ${17 + Math.floor(Math.random() * 9)} level ${1 + Math.floor(Math.random() * 3)} pump overheated`);
                }
            }
            unit.rates.push([now, ...unit.counts]);
            while (unit.rates[0][0] < now - 10000) unit.rates.shift();
            if (now - (unit.sampled ?? now - 1e4) >= 1e4 || unit.sampled === undefined) {
                unit.sampled = now;
                const [sent, received] = this.ratesOf(unit);
                unit.samples.push({ at: now, rtt: unit.statuses['round-trip'].value, sent, received });
                if (unit.samples.length > 360) unit.samples.shift();
            }
        }
    }
    ratesOf(unit) {
        if (unit.rates.length < 2) return [0, 0];
        const [first, last] = [unit.rates[0], unit.rates.at(-1)];
        const seconds = Math.max(1, (last[0] - first[0]) / 1000);
        return [1, 2].map((i) => Math.round(((last[i] - first[i]) / seconds) * 100) / 100);
    }
}

export function typed(type, written) {
    if (type === 'bool') return /^(true|on|1)$/.test(written);
    return type === 'int' || type === 'real' ? Number(written) : written;
}
