import type { Action, Module, On, Rule, RuleDraft, Setting, Trigger, When } from '../contract';
import { moduleById, moduleOf, modules, summaries } from '../store';
import type { Name } from '../ui/insert';
import { asText, inOneLine, matchInWords } from '../ui/values';

/** Half a name and half another: `press/message-received`. */
export function split(reference: string): [owner: string, id: string] {
    const slash = reference.indexOf('/');
    return slash < 0 ? [reference, ''] : [reference.slice(0, slash), reference.slice(slash + 1)];
}

/** The modules that an owner may be: one, or for * and this every one that has instances. */
export function modulesOf(owner: string, rule?: { on: On[] }): Module[] {
    if (owner === 'host') return [moduleById('host')].filter((one) => one !== undefined);
    const used = modules.value.filter((one) => summaries.value.some((each) => each.module === one.id));
    if (owner === '*') return used;
    if (owner === 'this') {
        const firing = (rule?.on ?? []).map((one) => split(one.trigger)[0]).filter((one) => one !== 'host');
        return firing.includes('*') || !firing.length ? used : used.filter((one) => firing.some((name) => moduleOf(name)?.id === one.id));
    }
    return [moduleOf(owner)].filter((one) => one !== undefined);
}

export const triggerOf = (reference: string): Trigger | undefined => {
    const [owner, id] = split(reference);
    return modulesOf(owner)
        .flatMap((one) => one.triggers)
        .find((one) => one.id === id);
};

export const actionOf = (reference: string, rule: { on: On[] }) => {
    const [owner, id] = split(reference);
    return modulesOf(owner, rule)
        .flatMap((one) => one.actions)
        .find((one) => one.id === id);
};

export const statusOf = (reference: string, rule: { on: On[] }) => {
    const [owner, id] = split(reference);
    return modulesOf(owner, rule)
        .flatMap((one) => one.statuses)
        .find((one) => one.id === id);
};

export const ownerInWords = (owner: string): string => (owner === '*' ? 'any instance' : owner === 'this' ? 'the instance that fired' : owner === 'host' ? 'the host' : owner);

export const comparisons = [
    ['is', 'is'],
    ['is-not', 'is not'],
    ['less', 'is less than'],
    ['greater', 'is greater than'],
    ['contains', 'contains'],
] as const;
export type Comparison = (typeof comparisons)[number][0];

export const wordOf = (when: When): Comparison => comparisons.find(([word]) => when[word] !== undefined)?.[0] ?? 'is';

export function onInWords(on: On): string {
    const [owner, id] = split(on.trigger);
    if (on.trigger === 'host/every') return `every ${on.interval ?? '…'}`;
    const label = triggerOf(on.trigger)?.label ?? id;
    const matches = (on.match ?? []).map(matchInWords).join(' and ');
    return `${owner === 'host' ? '' : `${ownerInWords(owner)}: `}${label}${matches ? ` that ${matches}` : ''}`;
}

export function whenInWords(when: When): string {
    const subject = when.status ?? when.variable ?? when.value ?? '…';
    const word = wordOf(when);
    return `${subject} ${comparisons.find(([one]) => one === word)?.[1] ?? ''} ${when[word] ?? ''}`;
}

/** `Send Message on press`. */
export function actionInWords(reference: string): string {
    const [owner, id] = split(reference);
    const label = actionOf(reference, { on: [] })?.label ?? id;
    return owner === 'host' ? label : `${label} on ${ownerInWords(owner)}`;
}

export function doInWords(act: Rule['do'][number], rule: { on: On[] }): string {
    const [owner, id] = split(act.action);
    const label = actionOf(act.action, rule)?.label ?? id;
    const first = (['message', 'value', 'rule', 'data'] as const).map((one) => asText(act.arguments?.[one])).find((one) => one !== '');
    const variable = asText(act.arguments?.['variable']);
    const place = owner === 'host' ? '' : ` on ${ownerInWords(owner)}`;
    return `${label}${variable && owner === 'host' ? ` ${variable}` : ''}${place}${first ? ` “${inOneLine(first).slice(0, 60)}”` : ''}${act.after ? ` after ${act.after}` : ''}`;
}

export const ruleInWords = (rule: Rule): string =>
    `When ${rule.on.map(onInWords).join(' or ') || 'another rule fires it'}${rule.when.length ? `, if ${rule.when.map(whenInWords).join(' and ')}` : ''}: ${rule.do.map((one) => doInWords(one, rule)).join(', then ')}`;

/** One comparison in each condition, as the form shows them. */
export const drafted = (rule: Rule): RuleDraft => ({
    name: rule.name,
    ...(rule.enabled ? {} : { enabled: false }),
    ...(rule.stop ? { stop: true } : {}),
    on: rule.on,
    when: rule.when.flatMap((one) => {
        const { is: _1, 'is-not': _2, less: _3, greater: _4, contains: _5, ...subject } = one;
        const words = comparisons.filter(([word]) => one[word] !== undefined);
        return words.length < 2 ? [one] : words.map(([word]): When => ({ ...subject, [word]: one[word] }));
    }),
    do: rule.do,
});

/** What an action list begins with: the first that is given something to tell, such as a message. */
export const usualAction = (actions: Action[]): Action | undefined => actions.find((one) => one.arguments.some((each) => each.required)) ?? actions[0];

/** The status that holds what a trigger brought last: of message-received, the module's last-received. */
export const lastOf = (module: Module | undefined, trigger: Trigger | undefined) =>
    module?.statuses.find((one) => one.type === 'data' && trigger?.match && one.id.split('-').at(-1) === trigger.id.split('-').at(-1));

const always: Name[] = [
    { name: 'now', label: 'Date and time', group: 'Always there' },
    { name: 'uuid', label: 'A new unique id', group: 'Always there' },
];
/** To be completed by whoever inserts them. */
const ofOurs: Name[] = [
    { name: 'secret:NAME', label: 'A secret of this controller, by its name', group: 'By name' },
    { name: 'env:IOM_NAME', label: 'An environment variable that begins with IOM_', group: 'By name' },
];
const ofSession: Name[] = [
    { name: 'seq', label: '1, 2, 3 … in each session', group: 'Always there' },
    { name: 'session/NAME', label: 'What the greeting has captured', group: 'By name' },
];
const control: Name = { name: 'char:1e', label: 'A character by its number, in hex', group: 'By name' };

const statusNames = (): Name[] => summaries.value.flatMap((one) => (moduleOf(one.name)?.statuses ?? []).map((status) => ({ name: `${one.name}/${status.id}`, label: status.label, group: `Statuses of ${one.name}` })));

/** Everything that ${…} may stand for in a setting: where the host reads it once, secrets and environment alone. */
export const namesForSetting = (setting: Setting): Name[] =>
    setting.expand === 'use' ? [...always, { name: 'instance', label: 'Name of this instance', group: 'Always there' }, ...ofOurs, ...ofSession, control, ...statusNames()] : ofOurs;

/** Everything that ${…} may stand for in a text of this rule. */
export function namesFor(rule: { on: On[] }, variables: string[]): Name[] {
    const made: Name[] = [];
    const first = rule.on[0];
    const trigger = first && triggerOf(first.trigger);
    // What only one of several triggers brings can be inserted all the same; the check says where it is missing.
    for (const on of rule.on) {
        const one = triggerOf(on.trigger);
        one?.variables.forEach((each, i) => {
            if (!made.some((known) => known.name === each.id)) made.push({ name: each.id, label: rule.on.length === 1 ? `${each.label} (\${${i + 1}})` : each.label, group: one.label });
        });
    }
    let number = trigger?.variables.length ?? 0;
    for (const match of first?.match ?? []) {
        if (match.kind === 'regex') {
            const groups = [...match.text.matchAll(/(?<!\\)\((?:\?P?<(\w+)>|(?!\?))/g)];
            groups.forEach(([, name], i) => {
                ++number;
                made.push({ name: name ?? (i === 0 && match.as ? match.as : String(number)), label: `Group ${i + 1} of the expression`, group: 'Found in the message' });
            });
            if (!groups.length && match.as) made.push({ name: match.as, label: 'What fits the expression', group: 'Found in the message' });
        } else if (match.kind === 'json') {
            ++number;
            made.push({ name: match.as ?? String(number), label: `Value at ${match.pointer ?? '…'}`, group: 'Found in the message' });
        } else if (match.as) made.push({ name: match.as, label: match.kind === 'prefix' ? 'What follows' : 'The message', group: 'Found in the message' });
    }
    if (first && split(first.trigger)[0] !== 'host') made.push({ name: 'instance', label: 'Name of the instance that fired', group: trigger?.label ?? '' });
    for (const one of variables) made.push({ name: `host/${one}`, label: 'Variable', group: 'Variables' });
    return [...made, ...always, ...ofOurs, ...ofSession, control, ...statusNames()];
}

