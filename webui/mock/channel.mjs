// The WebSocket channel of the contract: full state first, then what changed.
import { instanceOf, modulesState, passesFrames, passesLog, passesTrace, ruleOf, rulesOf, systemOf, variableOf } from './views.mjs';

const text = (value) => JSON.stringify(value);
const most = 200;

const modules = {
    full: (world) => modulesState(world),
    change(world, seen) {
        const now = modulesState(world);
        const change = {};
        if (text(now.order) !== text(seen.order)) change.order = now.order;
        if (text(now.modules) !== text(seen.modules)) change.modules = now.modules;
        const instances = {};
        for (const [name, summary] of Object.entries(now.instances)) {
            const before = seen.instances[name];
            if (!before) {
                instances[name] = summary;
                continue;
            }
            const delta = { name };
            for (const key of new Set([...Object.keys(summary), ...Object.keys(before)])) if (text(summary[key]) !== text(before[key])) delta[key] = summary[key] ?? null;
            if (Object.keys(delta).length > 1) instances[name] = delta;
        }
        if (Object.keys(instances).length) change.instances = instances;
        return [Object.keys(change).length ? change : null, now];
    },
};

const instance = {
    full: (world, filter) => structuredClone(instanceOf(world, filter.instance)),
    change(world, seen, filter) {
        const now = structuredClone(instanceOf(world, filter.instance));
        if (!now || !seen) return [now === seen ? null : { instance: now }, now];
        const frame = ({ settings, usedBy, warnings, summary }) => text([settings, usedBy, warnings, summary.revision]);
        if (frame(now) !== frame(seen)) return [{ instance: now }, now];
        const statuses = Object.fromEntries(Object.entries(now.statuses).filter(([id, one]) => text(one) !== text(seen.statuses[id])));
        return [Object.keys(statuses).length ? { statuses } : null, now];
    },
};

const rules = {
    full: (world) => structuredClone(rulesOf(world)),
    change(world, seen) {
        const now = structuredClone(rulesOf(world));
        if (now.revision !== seen.revision || text(now.variables.map((one) => [one.name, one.type, one.initial])) !== text(seen.variables.map((one) => [one.name, one.type, one.initial]))) return [{ rules: now }, now];
        const change = {};
        const reports = now.rules.filter((one, i) => text(one.report) !== text(seen.rules[i].report));
        if (reports.length) change.reports = Object.fromEntries(reports.map((one) => [one.name, ruleOf(world, world.rules.find((rule) => rule.name === one.name)).report]));
        const values = now.variables.filter((one, i) => text(one) !== text(seen.variables[i]));
        if (values.length) change.variables = Object.fromEntries(values.map((one) => { const { value, at } = variableOf(world, one); return [one.name, { value, at }]; }));
        return [Object.keys(change).length ? change : null, now];
    },
};

const stream = (list, passes, member, newest, asFull) => ({
    full(world, filter, subscription) {
        subscription.last = list(world).at(-1)?.number ?? 0;
        const all = list(world).filter(passes(filter));
        return asFull(all.slice(-newest), all.length > newest, world);
    },
    change(world, _seen, filter, subscription) {
        const fresh = list(world).filter((one) => one.number > subscription.last);
        if (!fresh.length) return [null];
        const missed = fresh[0].number - subscription.last - 1;
        subscription.last = fresh.at(-1).number;
        const all = fresh.filter(passes(filter));
        const skipped = missed + Math.max(0, all.length - most);
        return [all.length || skipped ? { [member]: structuredClone(all.slice(-most)), skipped } : null];
    },
});

const topics = {
    modules,
    instance,
    rules,
    log: stream((world) => world.log, passesLog, 'records', 500, (records, more) => ({ records, more })),
    frames: stream((world) => world.frames, passesFrames, 'frames', 200, (frames, more) => ({ frames, more })),
    trace: stream((world) => world.trace, passesTrace, 'events', 100, (events, _more, world) => ({ events: structuredClone(events).reverse(), total: world.eventNumber })),
    system: {
        full: (world, _filter, { viewers }) => systemOf(world, viewers()),
        change(world, seen, _filter, { viewers }) {
            const now = systemOf(world, viewers());
            return [Date.now() - (seen.sent ?? 0) > 1000 ? now : null, { ...now, sent: Date.now() - (seen.sent ?? 0) > 1000 ? Date.now() : seen.sent }];
        },
    },
};

export class Channel {
    subscriptions = new Map();

    constructor(socket, api, rights, page) {
        this.socket = socket;
        this.api = api;
        this.say({ type: 'hello', boot: api.world.boot, page, now: Date.now(), version: '2.3.0', rights });
        socket.on('message', (data) => this.heard(String(data)));
        this.timer = setInterval(() => this.turn(), 100);
        this.spoken = Date.now();
        socket.on('close', () => clearInterval(this.timer));
    }
    say(message) {
        this.spoken = Date.now();
        this.api.onSay?.(message);
        this.socket.send(text(message));
    }
    envelope(subscription) {
        return { id: subscription.id, seq: subscription.seq++, now: Date.now(), generation: this.api.world.generation };
    }
    heard(data) {
        let message;
        try {
            message = JSON.parse(data);
        } catch {
            return this.say({ type: 'error', error: 'bad-request', sentence: 'This is no JSON.' });
        }
        this.api.onHear?.(message);
        if (message.type === 'unsubscribe') return this.subscriptions.delete(message.id);
        const topic = topics[message.topic];
        if (message.type !== 'subscribe' || !topic) return this.say({ type: 'error', ...(message.id ? { id: message.id } : {}), error: 'bad-request', sentence: 'There is no such topic.' });
        const subscription = { id: message.id, seq: 0, name: message.topic, topic, filter: message.filter ?? {}, viewers: () => this.api.channels.size };
        this.subscriptions.set(message.id, subscription);
        subscription.seen = topic.full(this.api.world, subscription.filter, subscription);
        this.say({ type: 'full', topic: message.topic, ...this.envelope(subscription), state: subscription.seen });
    }
    turn() {
        if (this.api.frozen || this.socket.bufferedAmount > 65536) return;
        if (Date.now() - this.spoken >= 3000) this.say({ type: 'alive', now: Date.now() });
        for (const subscription of this.subscriptions.values()) {
            const [change, seen] = subscription.topic.change(this.api.world, subscription.seen, subscription.filter, subscription);
            subscription.seen = seen;
            if (change) this.say({ type: 'change', topic: subscription.name, ...this.envelope(subscription), change });
        }
    }
}
