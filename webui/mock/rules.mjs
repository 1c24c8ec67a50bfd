// Rules, as far as the page's development needs them: match, conditions, insertions.

const pointerOf = (pointer, value) => {
    let at = value;
    for (const token of pointer.split('/').slice(1)) {
        const name = token.replaceAll('~1', '/').replaceAll('~0', '~');
        if (at === null || typeof at !== 'object' || !(name in at)) return undefined;
        at = at[name];
    }
    return at;
};

const shown = (text) => (text.length > 60 ? `${text.slice(0, 60)}…` : text);

function testOne(match, message) {
    const no = (sentence) => ({ holds: false, sentence, captures: [] });
    const yes = (sentence, captures = []) => ({ holds: true, sentence, captures });
    const named = (value) => (match.as ? [{ name: match.as, value }] : []);
    switch (match.kind) {
        case 'equals':
            return message === match.text ? yes(`equals "${match.text}"`, named(message)) : no(`is not exactly "${match.text}"`);
        case 'prefix':
            return message.startsWith(match.text)
                ? yes(`begins with "${match.text}"`, named(message.slice(match.text.length)))
                : no(`does not begin with "${match.text}"`);
        case 'regex': {
            let found = null;
            try {
                found = new RegExp(match.text.replaceAll('(?P<', '(?<'), 'u').exec(message);
            } catch {
                return no('its regular expression cannot be read');
            }
            if (!found) return no(`does not fit the expression ${match.text}`);
            const names = Object.entries(found.groups ?? {});
            const groups = found.slice(1).map((value, i) => {
                const name = names.find(([, one]) => one === value)?.[0] ?? (i === 0 ? match.as : undefined);
                return { ...(name ? { name } : {}), value: value ?? '' };
            });
            return yes(`fits the expression ${match.text}`, groups.length ? groups : named(found[0]));
        }
        case 'json': {
            let parsed;
            try {
                parsed = JSON.parse(message);
            } catch {
                return no('is no JSON');
            }
            const found = pointerOf(match.pointer ?? '', parsed);
            if (found === undefined) return no(`has nothing at ${match.pointer}`);
            const text = typeof found === 'string' ? found : JSON.stringify(found);
            const capture = [{ ...(match.as ? { name: match.as } : {}), value: text }];
            if (!match.op) return yes(`has ${match.pointer}`, capture);
            const number = typeof found === 'number' && match.text.trim() !== '' && !Number.isNaN(Number(match.text));
            const order = number ? found - Number(match.text) : typeof found === 'number' ? NaN : text < match.text ? -1 : text > match.text ? 1 : 0;
            const holds = { '=': order === 0, '!=': order !== 0, '<': order < 0, '<=': order <= 0, '>': order > 0, '>=': order >= 0 }[match.op];
            return holds
                ? yes(`${match.pointer} is ${shown(text)}, which is ${match.op} ${match.text}`, capture)
                : no(`${match.pointer} is ${shown(text)}, and not ${match.op} ${match.text}`);
        }
        default:
            return message.includes(match.text) ? yes(match.text ? `contains "${match.text}"` : 'takes every message', named(message)) : no(`does not contain "${match.text}"`);
    }
}

export function expand(text, names, world) {
    return text.replace(/(\$?)\$\{([^}]*)\}/g, (all, escaped, inside) => {
        if (escaped) return `\${${inside}}`;
        const [name, filter] = inside.split('|');
        const found = world.lookUp(name, names);
        if (found === undefined) return all;
        const value = String(found);
        if (filter === 'json') return JSON.stringify(value).slice(1, -1);
        if (filter === 'url') return encodeURIComponent(value);
        if (filter === 'hex') return Buffer.from(value).toString('hex');
        return filter === 'base64' ? Buffer.from(value).toString('base64') : value;
    });
}

function holds(word, found, operand) {
    const [left, right] = [found, operand].map((one) => (one.trim() === '' ? NaN : Number(one)));
    const numbers = !Number.isNaN(left) && !Number.isNaN(right);
    switch (word) {
        case 'is':
            return numbers ? left === right : found === operand;
        case 'is-not':
            return numbers ? left !== right : found !== operand;
        case 'less':
            return numbers ? left < right : found < operand;
        case 'greater':
            return numbers ? left > right : found > operand;
    }
    return found.includes(operand);
}

/** What the rule makes of the event {trigger, variables}: a `Tried`, without doing anything. */
export function tryRule(rule, event, world) {
    const [owner, id] = event.trigger.split('/');
    const made = { rule: rule.name, said: 'other-trigger', sentence: `It does not listen to ${event.trigger}.`, matches: [], captures: [], conditions: [], would: [] };
    const module = world.moduleOf(owner);
    const trigger = module?.triggers.find((one) => one.id === id);
    const which = event.byHand ? -1 : rule.on.findIndex((on) => on.trigger === event.trigger || (on.trigger === `*/${id}` && owner !== 'host'));
    if (which < 0 && !event.byHand) return made;
    const names = new Map();
    trigger?.variables.forEach((one, i) => {
        const value = String(event.variables?.[one.id] ?? '');
        names.set(one.id, value);
        names.set(String(i + 1), value);
    });
    names.set('instance', owner);
    if (rule.enabled === false) return { ...made, said: 'disabled', sentence: 'It is not enabled.' };
    if (which >= 0) {
        made.on = which;
        const message = String(event.variables?.[trigger?.match?.variable ?? 'message'] ?? '');
        let number = trigger?.variables.length ?? 0;
        for (const match of rule.on[which].match ?? []) {
            const { captures, ...said } = testOne(match, message);
            made.matches.push(said);
            for (const capture of captures) {
                made.captures.push({ number: ++number, ...capture });
                names.set(String(number), capture.value);
                if (capture.name) names.set(capture.name, capture.value);
            }
        }
        if (made.matches.some((one) => !one.holds)) return { ...made, captures: [], said: 'no-match', sentence: `Its match did not hold: the message ${made.matches.find((one) => !one.holds).sentence}.` };
    }
    for (const when of rule.when ?? []) {
        const kind = ['status', 'variable', 'value'].find((one) => when[one] !== undefined);
        const subject = when[kind];
        const name = kind === 'variable' ? `host/${subject.replace(/^host\//, '')}` : subject.replace(/^this\//, `${owner}/`);
        for (const word of ['is', 'is-not', 'less', 'greater', 'contains']) {
            if (when[word] === undefined) continue;
            const found = subject.includes('${') ? expand(subject, names, world) : String(world.lookUp(name, names) ?? '');
            const good = holds(word, found, expand(when[word], names, world));
            const written = `${kind} ${subject} ${word} ${when[word]}`;
            made.conditions.push({ written, holds: good, found, sentence: good ? `${subject} is ${shown(found)}` : `${subject} is ${found === '' ? 'empty' : shown(found)}` });
        }
    }
    const bad = made.conditions.find((one) => !one.holds);
    if (bad) return { ...made, said: 'condition', sentence: `Its condition did not hold: ${bad.written}, but ${bad.sentence}.` };
    made.said = 'fired';
    made.sentence = 'It fires.';
    made.would = rule.do.map((act) => ({
        action: act.action.replace(/^this\//, `${owner}/`),
        ...(act.after ? { after: act.after } : {}),
        arguments: Object.fromEntries(
            Object.entries(act.arguments ?? {}).map(([name, value]) => [name, typeof value === 'string' ? expand(value, names, world) : 'set' in value ? '•••' : JSON.stringify(value)]),
        ),
    }));
    return made;
}
