// What the world looks like in the contract's words.
import { settingsOf } from './manifest.mjs';
import { judgeRule, judgeSettings } from './judge.mjs';
import { escape } from './xml.mjs';

const isSecret = (module, id) => settingsOf(module).find((one) => one.id === id)?.type === 'secret';

export function masked(module, settings) {
    return Object.fromEntries(Object.entries(settings).map(([id, value]) => [id, isSecret(module, id) ? { set: true } : value]));
}

export function warningsOf(world, instance) {
    const warnings = [];
    const module = world.module(instance.module);
    const warn = (at, sentence) => warnings.push({ sentence, warning: true, setting: at.split('/')[2] });
    judgeSettings(module, instance.name, instance.settings, '/settings', () => {}, warn, world.project.secrets);
    return warnings;
}

export function summaryOf(world, instance) {
    const unit = world.units.get(instance.name);
    const module = world.module(instance.module);
    const state = unit.statuses[module.stateStatus];
    const made = {
        name: instance.name,
        module: instance.module,
        revision: world.revision(instance),
        state: state?.value ?? null,
        since: state?.at ?? null,
        phase: 'running',
    };
    const address = world.address(instance);
    if (address) made.address = address;
    [made.sentRate, made.receivedRate] = world.ratesOf(unit);
    const error = unit.statuses['last-error'];
    if (error?.value && !unit.recovered) {
        made.lastError = error.value;
        made.lastErrorLayer = unit.statuses['last-error.layer'].value;
        made.lastErrorCode = unit.statuses['last-error.code'].value;
        made.lastErrorAt = error.at;
        made.lastErrorSince = unit.failedSince ?? error.at;
    }
    const retry = unit.statuses['next-retry'];
    if (retry?.value && ['waiting', 'faulted'].includes(state.value)) made.nextRetryAt = retry.at + retry.value * 1000;
    if (unit.statuses.attempt?.value) made.attempt = unit.statuses.attempt.value;
    if (unit.statuses['round-trip']?.value && state.value === 'ready') made.roundTrip = unit.statuses['round-trip'].value;
    if (unit.wanted) made.wanted = unit.wanted;
    const badges = ['extended-logging', 'log-comms'].filter((id) => world.on(instance.name, id));
    if (badges.length) made.badges = badges;
    const warnings = warningsOf(world, instance).length;
    if (warnings) made.warnings = warnings;
    return made;
}

const speaksOf = (rule, name) => JSON.stringify([rule.on, rule.when, rule.do]).includes(`"${name}/`) || JSON.stringify(rule.do).includes(`\${${name}/`);
export const usersOf = (world, name) => world.rules.filter((rule) => speaksOf(rule, name)).map((rule) => rule.name);

export function instanceOf(world, name) {
    const instance = world.instances.find((one) => one.name === name);
    if (!instance) return null;
    const unit = world.units.get(name);
    return {
        summary: summaryOf(world, instance),
        settings: masked(unit.module, instance.settings),
        statuses: { ...unit.statuses },
        usedBy: usersOf(world, name),
        warnings: warningsOf(world, instance),
    };
}

export function ruleOf(world, rule) {
    const needs = rule.on.length && JSON.stringify(rule.do).match(/\$\{(\d+|message|sentence|instance)/);
    return {
        name: rule.name,
        revision: world.revision(rule),
        enabled: rule.enabled !== false,
        stop: rule.stop === true,
        on: rule.on,
        when: rule.when ?? [],
        do: rule.do,
        byHand: !needs,
        report: world.reports.get(rule.name) ?? { fired: 0, lastSaid: 'never' },
    };
}

export const variableOf = (world, one) => ({
    ...one,
    revision: world.revision(one),
    value: world.values.get(one.name)?.value ?? null,
    at: world.values.get(one.name)?.at ?? null,
    usedBy: world.rules.filter((rule) => JSON.stringify(rule).includes(`"${one.name}"`) || JSON.stringify(rule).includes(`host/${one.name}`)).map((rule) => rule.name),
});

export const rulesOf = (world) => ({
    revision: world.revision(world.rules),
    rules: world.rules.map((rule) => ruleOf(world, rule)),
    variables: world.variables.map((one) => variableOf(world, one)),
});

const modulesOf = (world) => Object.fromEntries(world.modules.map((one) => [one.id, one.token]));

export const modulesState = (world) => ({
    modules: modulesOf(world),
    order: world.instances.map((one) => one.name),
    instances: Object.fromEntries(world.instances.map((one) => [one.name, summaryOf(world, one)])),
});

const severity = ['error', 'warning', 'info', 'debug', 'frame'];
export const passesLog = (filter) => {
    const most = severity.indexOf(filter.level ?? 'frame');
    const search = filter.search?.toLowerCase();
    return (one) =>
        severity.indexOf(one.level) <= most &&
        (!filter.instance || one.instance === filter.instance) &&
        (!filter.rule || one.rule === filter.rule) &&
        (!search || one.text.toLowerCase().includes(search));
};
export const passesFrames = (filter) => {
    const search = filter.search?.toLowerCase();
    return (one) => (!filter.instance || one.instance === filter.instance) && (!filter.way || one.way === filter.way) && (!search || one.payload.toLowerCase().includes(search));
};
export const passesTrace = (filter) => (one) =>
    (!filter.instance || one.trigger.startsWith(`${filter.instance}/`)) && (!filter.rule || one.looks.some((look) => look.rule === filter.rule));

export function systemOf(world, viewers) {
    const memory = process.memoryUsage();
    return {
        version: '2.3.0',
        started: world.started,
        memory: { resident: memory.rss, peak: memory.rss },
        threads: 4,
        descriptors: 31,
        loop: { busy: 0.012, longest: 1.4 },
        machine: 'controller-7, Debian 12, aarch64',
        log: { dropped: 0 },
        web: { address: '127.0.0.1:8080', https: false, passwordSet: world.password !== undefined, viewers },
        project: {
            name: world.project.name,
            file: 'line-3.xml',
            revision: world.revision(world.project.instances.concat(world.project.rules)),
            generation: world.generation,
            onDisk: world.onDisk === undefined ? 'same' : 'changed',
            instances: world.instances.length,
            rules: world.rules.length,
        },
    };
}

export function historyOf(world, name, from = 0) {
    const unit = world.units.get(name);
    const now = Date.now();
    const step = 10000;
    const first = Math.max(Math.floor(now / step) * step - 359 * step, Math.floor(from / step) * step);
    const count = Math.max(0, Math.floor((now - first) / step) + 1);
    const made = { name, from: first, step, roundTrip: Array(count).fill(null), sent: Array(count).fill(null), received: Array(count).fill(null), states: [] };
    for (const one of unit.samples) {
        const at = Math.floor((one.at - first) / step);
        if (at < 0 || at >= count) continue;
        made.roundTrip[at] = one.rtt ?? null;
        made.sent[at] = one.sent;
        made.received[at] = one.received;
    }
    const before = unit.states.filter((one) => one.at <= first).at(-1);
    made.states = [{ at: first, state: before?.state ?? null }, ...unit.states.filter((one) => one.at > first)];
    return made;
}

// ---- XML, both ways as far as copy and paste need it

const matchXml = (one) =>
    `<match kind="${one.kind}"${one.pointer ? ` pointer="${escape(one.pointer)}"` : ''}${one.op ? ` op="${escape(one.op)}"` : ''}${one.as ? ` as="${one.as}"` : ''}${one.onChange ? ` on-change="${one.onChange}"` : ''}${one.debounce ? ` debounce="${one.debounce}"` : ''}${one.atMost ? ` at-most="${one.atMost}"` : ''}>${escape(one.text)}</match>`;

function valueXml(value) {
    if (typeof value === 'string') return escape(value);
    return value
        .map((one) => {
            if (typeof one === 'string') return `<item>${escape(one)}</item>`;
            if (one.kind) return matchXml(one);
            return one.send !== undefined ? `<send${one.encoding ? ` encoding="${one.encoding}"` : ''}>${escape(one.send)}</send>` : `<await>${one.await.map(matchXml).join('')}</await>`;
        })
        .join('');
}

export const instanceXml = (one) =>
    `<instance name="${one.name}" module="${one.module}">\n${Object.entries(one.settings)
        .map(([id, value]) => `  <set name="${id}">${valueXml(value)}</set>\n`)
        .join('')}</instance>\n`;

const attributes = (all) =>
    Object.entries(all)
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => ` ${name}="${escape(value)}"`)
        .join('');

const ruleXml = (rule) =>
    `<rule${attributes({ name: rule.name, enabled: rule.enabled === false ? 'false' : undefined, stop: rule.stop ? 'true' : undefined })}>\n${[
        ...rule.on.map((on) => `  <on${attributes({ trigger: on.trigger, interval: on.interval })}>${(on.match ?? []).map(matchXml).join('')}</on>\n`),
        ...(rule.when ?? []).map((when) => `  <when${attributes(when)}/>\n`),
        ...rule.do.map((act) => `  <do${attributes({ action: act.action, after: act.after })}>${Object.entries(act.arguments ?? {}).map(([name, value]) => `<arg name="${name}">${valueXml(value)}</arg>`).join('')}</do>\n`),
    ].join('')}</rule>\n`;

export const projectXml = (world) =>
    `<?xml version="1.0" encoding="UTF-8"?>\n<project name="${escape(world.project.name)}">\n${[
        ...world.variables.map((one) => `<variable${attributes({ name: one.name, type: one.type, value: one.initial })}/>\n`),
        ...world.instances.map(instanceXml),
        ...world.rules.map(ruleXml),
    ].join('')}</project>\n`;

const matchOf = (at) => {
    const { kind = 'contains', pointer, op, as, 'on-change': onChange, debounce, 'at-most': atMost } = at.attributes;
    return { kind, text: at.text, ...(pointer ? { pointer } : {}), ...(op ? { op } : {}), ...(as ? { as } : {}), ...(onChange ? { onChange } : {}), ...(debounce ? { debounce } : {}), ...(atMost ? { atMost: Number(atMost) } : {}) };
};

function valueOf(at) {
    if (!at.children.length) return at.text;
    return at.children.map((one) => {
        if (one.name === 'item') return one.text;
        if (one.name === 'match') return matchOf(one);
        if (one.name === 'await') return { await: one.children.map(matchOf) };
        return { send: one.text, ...(one.attributes.encoding ? { encoding: one.attributes.encoding } : {}) };
    });
}

export function instanceOfXml(at) {
    return { name: at.attributes.name ?? '', module: at.attributes.module ?? '', settings: Object.fromEntries(at.children.map((one) => [one.attributes.name, valueOf(one)])) };
}

export function ruleOfXml(at) {
    const all = (name) => at.children.filter((one) => one.name === name);
    return {
        name: at.attributes.name ?? '',
        ...(at.attributes.enabled === 'false' ? { enabled: false } : {}),
        ...(at.attributes.stop === 'true' ? { stop: true } : {}),
        on: all('on').map((one) => ({ trigger: one.attributes.trigger ?? '', ...(one.attributes.interval ? { interval: one.attributes.interval } : {}), ...(one.children.length ? { match: one.children.map(matchOf) } : {}) })),
        when: all('when').map((one) => one.attributes),
        do: all('do').map((one) => ({ action: one.attributes.action ?? '', ...(one.attributes.after ? { after: one.attributes.after } : {}), ...(one.children.length ? { arguments: Object.fromEntries(one.children.map((arg) => [arg.attributes.name, valueOf(arg)])) } : {}) })),
    };
}

export function checkRule(world, rule) {
    const mistakes = [];
    judgeRule(rule, world, (at, sentence) => mistakes.push({ sentence, warning: false, at }));
    return mistakes;
}
