// Manifests as the contract has them, made from the XML files themselves.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { childrenOf, parse } from './xml.mjs';

const asks = new Set(['hostname', 'host', 'port', 'protocol', 'proxy', 'tls-verify', 'address', 'url']);
const words = (at) => (childrenOf(at, 'help')[0]?.text ?? '').replace(/\s+/g, ' ').trim();

function field(at) {
    const { attributes: a } = at;
    const made = { id: a.id, number: Number(a.number), label: a.label, help: words(at), type: a.type };
    if (a.unit) made.unit = a.unit;
    const choices = childrenOf(at, 'choice');
    if (choices.length)
        made.choices = choices.map((one) => ({ value: one.attributes.value, label: one.attributes.label, help: words(one) }));
    if (a.min !== undefined) made.min = Number(a.min);
    if (a.max !== undefined) made.max = Number(a.max);
    if (a.default !== undefined) made.default = a.default;
    for (const flag of ['required', 'list', 'original']) if (a[flag] === 'true') made[flag] = true;
    return made;
}

function setting(at) {
    const made = field(at);
    for (const flag of ['live', 'advanced']) if (at.attributes[flag] === 'true') made[flag] = true;
    made.expand = at.attributes.expand ?? 'set';
    if (asks.has(made.id)) made.asksForSecrets = true;
    return made;
}

export function readManifest(file) {
    const source = readFileSync(file, 'utf8');
    const root = parse(source);
    const section = (name) => childrenOf(root, name)[0]?.children ?? [];
    const statuses = section('statuses').map(field);
    const common = (at) => ({
        id: at.attributes.id,
        number: Number(at.attributes.number),
        label: at.attributes.label,
        help: words(at),
        ...(at.attributes.original === 'true' ? { original: true } : {}),
    });
    const state = statuses.find((one) => one.id === 'connection-status') ?? statuses.find((one) => one.type === 'choice');
    return {
        id: root.attributes.id,
        label: root.attributes.label,
        version: root.attributes.version,
        help: words(root),
        token: createHash('sha256').update(source).digest('hex').slice(0, 16),
        groups: section('settings').map((at) => ({ label: at.attributes.label, settings: childrenOf(at, 'setting').map(setting) })),
        statuses,
        triggers: section('triggers').map((at) => ({
            ...common(at),
            variables: childrenOf(at, 'variable').map(field),
            ...(at.attributes.match ? { match: { variable: at.attributes.match, label: at.attributes['match-label'] ?? 'Match' } } : {}),
        })),
        actions: section('actions').map((at) => ({ ...common(at), arguments: childrenOf(at, 'argument').map(field) })),
        ...(state ? { stateStatus: state.id } : {}),
        ...(root.attributes.id === 'websocket-client' ? { testable: true } : {}),
    };
}

const text = (number, id, label, help, more = {}) => ({ id, number, label, help, type: 'text', ...more });

export const hostModule = {
    id: 'host',
    label: 'Host',
    version: '1.0.0',
    help: 'What the controller can do by itself, without any module.',
    token: 'host-1',
    groups: [],
    statuses: [],
    triggers: [
        { id: 'startup', number: 1, label: 'Startup', help: 'The host has started and its rules are live; once for each start.', variables: [] },
        { id: 'every', number: 2, label: 'Every', help: 'Again and again, each time the interval has passed.', variables: [] },
        { id: 'manual', number: 3, label: 'By hand', help: 'Somebody asked for it, in the page or over HTTP.', variables: [] },
        {
            id: 'action-failed',
            number: 4,
            label: 'Action failed',
            help: 'An action of a rule was refused, was given up or took too long.',
            variables: [
                text(1, 'rule', 'Rule', 'The name of the rule.'),
                text(2, 'action', 'Action', 'The action as the rule names it.'),
                text(3, 'sentence', 'Sentence', 'What went wrong, and what to do next.'),
            ],
        },
    ],
    actions: [
        {
            id: 'log',
            number: 1,
            label: 'Log',
            help: 'Writes a line to the log.',
            arguments: [
                text(1, 'message', 'Message', 'The line.', { required: true }),
                text(2, 'level', 'Level', 'How serious it is.', {
                    type: 'choice',
                    default: 'info',
                    choices: ['error', 'warning', 'info', 'debug'].map((value) => ({ value, label: value, help: '' })),
                }),
            ],
        },
        {
            id: 'set',
            number: 2,
            label: 'Set variable',
            help: 'Gives a host variable a value.',
            arguments: [
                text(1, 'variable', 'Variable', 'The name of the variable.', { required: true }),
                text(2, 'value', 'Value', 'Its new value.', { required: true }),
            ],
        },
        {
            id: 'add',
            number: 3,
            label: 'Add to variable',
            help: 'Adds to a host variable; to a text, it is appended.',
            arguments: [
                text(1, 'variable', 'Variable', 'The name of the variable.', { required: true }),
                text(2, 'value', 'Value', 'What to add; a negative number subtracts.', { default: '1' }),
            ],
        },
        {
            id: 'fire',
            number: 4,
            label: 'Fire rule',
            help: 'Runs another rule now, if its conditions hold.',
            arguments: [text(1, 'rule', 'Rule', 'The name of the rule.', { required: true })],
        },
    ],
};

export const settingsOf = (module) => module.groups.flatMap((group) => group.settings);
