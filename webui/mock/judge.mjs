// What `iomhost check` would say. Only as much as the page's tests and its development need; the host's own
// check is the truth.
import { hostModule, settingsOf } from './manifest.mjs';

const quoted = (text) => `"${text.length > 80 ? `${text.slice(0, 80)}…` : text}"`;
const listed = (words) => (words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`);
const inserts = (text) => typeof text === 'string' && text.includes('${');
/** Why that cannot be the name of such a one; null if it can. */
export const nameTrouble = (name, what) =>
    isName(name) ? null
    : name.length > 64 && isName(name.slice(0, 64)) ? `"${name.slice(0, 24)}…" has ${name.length} characters, too many for the name of ${what}. Use at most 64.`
    : `"${name}" cannot be the name of ${what}. Use letters, digits, - and _${/^[^A-Za-z0-9]/.test(name) ? ', beginning with a letter or a digit' : ''}.`;
export const isName = (text) => /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(text);
const isDuration = (text) => /^\d+(\.\d+)?(ms|s|min|h)$/.test(text);

function range(field) {
    const unit = field.unit ? ` ${field.unit}` : '';
    if (field.min !== undefined && field.max !== undefined) return ` from ${field.min} to ${field.max}${unit}`;
    if (field.min !== undefined) return ` of at least ${field.min}${unit}`;
    return field.max !== undefined ? ` of at most ${field.max}${unit}` : '';
}

export function judge(field, written) {
    if (inserts(written)) return '';
    const number = () => {
        const whole = field.type === 'int';
        const good = whole ? /^-?\d+$/.test(written) : /^-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(written);
        const value = Number(written);
        if (good && value >= (field.min ?? -Infinity) && value <= (field.max ?? Infinity)) return '';
        return `${field.id} takes a ${whole ? 'whole ' : ''}number${range(field)}, not ${quoted(written)}.`;
    };
    switch (field.type) {
        case 'bool':
            return /^(true|false|on|off|1|0)$/.test(written) ? '' : `${field.id} takes true or false, not ${quoted(written)}.`;
        case 'int':
        case 'real':
            return number();
        case 'choice':
            return field.choices.some((one) => one.value === written)
                ? ''
                : `${field.id} takes ${listed(field.choices.map((one) => one.value))}, not ${quoted(written)}.`;
        case 'text':
        case 'secret':
        case 'file': {
            const size = Buffer.byteLength(written);
            if (field.min !== undefined && size < field.min)
                return written === '' ? `${field.id} must not be empty.` : `${field.id} must be at least ${field.min} bytes long.`;
            return field.max !== undefined && size > field.max ? `${field.id} must be at most ${field.max} bytes long, not ${size}.` : '';
        }
    }
    return '';
}

function judgeMatch(match, at, say, inRule) {
    if (match.kind === 'regex') {
        try {
            new RegExp(match.text, 'u');
        } catch {
            say(at, `the regular expression ${quoted(match.text)} cannot be read. Mend it, or use the kind contains for a plain text.`);
        }
    }
    if (match.kind === 'json') {
        if (!match.pointer) say(at, 'a json match lacks its pointer, which says where to look. Write one, such as /alarm/level.');
        else if (!match.pointer.startsWith('/')) say(at, `${quoted(match.pointer)} is no JSON pointer. It begins with /, as in /alarm/level.`);
        if (!match.op && match.text.trim())
            say(at, `this json match has a text but no op, so nothing is compared. Add op="=", or take the text ${quoted(match.text.trim())} out.`);
    }
    if (inRule && match.debounce !== undefined && !isDuration(match.debounce))
        say(at, `debounce takes a length of time with its unit (ms, s, min, h), as in 250ms or 2s, not ${quoted(match.debounce)}.`);
}

function hostnameSentence(typed) {
    if (inserts(typed)) return '';
    const found = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(\[[^\]]*\]|[^/?#:]*)(?::(\d*))?([/?#].*)?$/i.exec(typed);
    if (!found || (!found[1] && !found[3] && !found[4])) return '';
    const parts = [];
    if (found[1]) parts.push(`Protocol ${quoted({ https: 'wss', http: 'ws' }[found[1]] ?? found[1])}`);
    parts.push(`Hostname ${quoted(found[2])}`);
    if (found[3]) parts.push(`Port ${quoted(found[3])}`);
    if (found[4]) parts.push(`Path ${quoted(found[4])}`);
    return `Hostname takes only the server's name or address, not ${quoted(typed)}. Use these settings instead: ${parts.join(', ')}.`;
}

/** Settings of one instance, as they are written (secrets as text or Kept). */
export function judgeSettings(module, name, settings, base, say, warn, secretNames) {
    const known = settingsOf(module);
    for (const id of Object.keys(settings))
        if (!known.some((one) => one.id === id)) say(`${base}/${id}`, `the module ${module.id} has no setting ${quoted(id)}.`);
    for (const field of known) {
        const at = `${base}/${field.id}`;
        const value = settings[field.id];
        if (value === undefined) {
            if (field.required) say(at, `the instance ${name} has no ${field.id}. Add <set name="${field.id}">…</set>.`);
            continue;
        }
        const texts = typeof value === 'string' ? [[at, value]] : Array.isArray(value) ? value.map((one, i) => [`${at}/${i}`, one]) : [];
        for (const [where, one] of texts) {
            if (typeof one === 'string') {
                const sentence = judge(field, one);
                if (sentence) say(where, sentence);
                for (const [, secret] of one.matchAll(/\$\{secret:([^}]*)\}/g))
                    if (!secretNames.has(secret))
                        say(where, `\${secret:${secret}}: there is no secret ${quoted(secret)}. Add the line ${secret}=… to the project's secrets file.`);
                for (const [all, inside] of one.matchAll(/\$\{([^}]*)\}/g))
                    if (field.expand !== 'use' && !/^(secret:|env:IOM_)/.test(inside))
                        say(where, `${all}: in this setting only \${secret:NAME} and \${env:IOM_NAME} can be used.`);
            } else if (one.kind) judgeMatch(one, where, say, false);
            else if (one.await) one.await.forEach((match, i) => judgeMatch(match, `${where}/await/${i}`, say, false));
            else if (one.encoding === 'hex' && !/^([0-9a-f]{2}\s*)*$/i.test(one.send))
                say(where, `${quoted(one.send)} is no hex. Write two of 0-9 and a-f for each byte.`);
        }
    }
    if (module.id !== 'websocket-client') return;
    const text = (id) => settings[id] ?? known.find((one) => one.id === id).default ?? '';
    if (typeof settings.hostname === 'string') {
        const sentence = hostnameSentence(settings.hostname);
        if (sentence) say(`${base}/hostname`, sentence);
    }
    if (Number(text('ping-interval')) > 50 && text('send-keep-alive') === 'true')
        warn(`${base}/ping-interval`, 'with more than 50 s between pings, proxies that cut idle connections at 60 s cut this one. Stay at 50 s or below.');
    const loopback = /^(localhost|127\..*|::1|\[::1\])$/.test(text('hostname'));
    const credential = ['bearer-token', 'password', 'username'].find((id) => settings[id] !== undefined && settings[id] !== '');
    if (text('protocol') === 'ws' && !loopback && credential)
        warn(`${base}/${credential}`, 'these credentials go over ws, which is not encrypted: anyone on the way can read them. Set protocol to wss.');
    if (text('protocol') === 'wss' && /^(false|off|0)$/.test(text('tls-verify')))
        warn(`${base}/tls-verify`, "the server's certificate is not verified: anyone on the way can read and change everything. Give tls-ca the server's authority instead.");
    if (text('heartbeat-message') !== '' && Number(text('heartbeat-interval')) === 0)
        warn(`${base}/heartbeat-message`, 'this heartbeat is never sent, as heartbeat-interval is 0. Set it.');
}

const general = /^(secret:[\w-]+|env:IOM_\w+|seq|uuid|now|instance|char:[0-9a-f]+|this\/[\w.-]+)$/;

export function judgeRule(rule, world, say) {
    const { moduleOf, variables, instances } = world;
    const names = new Set();
    let numbers = 0;
    if (!rule.name.trim()) say('/name', '<rule> lacks the attribute name. Add name="…".');
    if (!rule.on.length && !rule.do.some(() => false) && !rule.firedByOther) say('/on', `the rule ${quoted(rule.name)} has no <on>, and no rule fires it, so it never does anything. Add <on trigger="…"/>.`);
    rule.on.forEach((on, i) => {
        const at = `/on/${i}`;
        const [owner, id] = on.trigger.split('/');
        const modules = owner === 'host' ? [hostModule] : owner === '*' ? [...new Set(instances.map((one) => moduleOf(one.name)))] : [moduleOf(owner)];
        if (!on.trigger) return say(at, '<on> lacks the attribute trigger. Add trigger="…".');
        if (!modules[0]) return say(at, `there is no instance ${quoted(owner)}.`);
        const trigger = modules.flatMap((one) => one.triggers).find((one) => one.id === id);
        if (!trigger) return say(at, `the module ${modules[0].id} has no trigger ${quoted(id ?? '')}.`);
        if (id === 'every' && owner === 'host') {
            if (!on.interval) say(at, 'host/every lacks its interval. Add interval="5s".');
            else if (!isDuration(on.interval))
                say(at, `interval takes a length of time with its unit (ms, s, min, h), as in 250ms or 2s, not ${quoted(on.interval)}.`);
        }
        trigger.variables.forEach((one) => names.add(one.id));
        numbers = Math.max(numbers, trigger.variables.length);
        let captures = 0;
        (on.match ?? []).forEach((match, j) => {
            if (!trigger.match) say(at, `the trigger ${id} brings no message that a match could look at. Use <when value="…"> for its variables.`);
            judgeMatch(match, `${at}/match/${j}`, say, true);
            if (match.as) names.add(match.as);
            if (match.kind === 'regex') {
                for (const [, name] of match.text.matchAll(/\(\?P?<(\w+)>/g)) names.add(name);
                try {
                    captures += new RegExp(`${match.text.replaceAll('(?P<', '(?<')}|`, 'u').exec('').length - 1;
                } catch {
                    // said already
                }
            } else if (match.kind === 'json' || match.as) ++captures;
        });
        numbers = Math.max(numbers, trigger.variables.length + captures);
    });
    const judgeText = (text, at) => {
        for (const [all, inside] of text.matchAll(/(?<!\$)\$\{([^}]*)\}/g)) {
            const name = inside.split('|')[0];
            if (general.test(name) || names.has(name)) continue;
            if (/^\d+$/.test(name)) {
                if (Number(name) < 1 || Number(name) > numbers) say(at, `${all}: there are only ${numbers} variables and captures here.`);
                continue;
            }
            const [owner, id] = name.split('/');
            if (id !== undefined) {
                if (owner === 'host' ? variables.some((one) => one.name === id) : owner === 'session' || moduleOf(owner)?.statuses.some((one) => one.id === id)) continue;
            }
            say(at, `${all}: nothing here has that name. There are ${[...names].join(', ') || 'none'}, and what ${'${…}'} help lists.`);
        }
    };
    (rule.when ?? []).forEach((when, i) => {
        const at = `/when/${i}`;
        const subject = when.status ?? when.variable ?? when.value;
        if (!subject) return say(at, '<when> does not say what to look at. Add status="…", variable="…" or value="…".');
        if (when.status !== undefined) {
            const [owner, id] = when.status.split('/');
            if (owner !== 'this' && !moduleOf(owner)) say(at, `there is no instance ${quoted(owner)}.`);
            const status = owner === 'this' ? undefined : moduleOf(owner)?.statuses.find((one) => one.id === id);
            if (owner !== 'this' && moduleOf(owner) && !status) say(at, `${quoted(when.status)} is no status. Write instance/status, as in press/connection-status.`);
            if (status?.choices && when.is !== undefined && !status.choices.some((one) => one.value === when.is)) say(at, `${id} is never ${quoted(when.is)}. Known are ${listed(status.choices.map((one) => one.value))}.`);
            if (status?.type === 'bool' && when.is !== undefined && !/^(true|false)$/.test(when.is)) say(at, `this is true or false, and never ${quoted(when.is)}. Compare it with one of the two.`);
        }
        if (when.variable !== undefined && !variables.some((one) => one.name === when.variable.replace(/^host\//, ''))) say(at, `there is no host variable ${quoted(when.variable)}.`);
        if (when.value !== undefined && !names.has(when.value) && !inserts(when.value)) say(at, `\${${when.value}}: nothing here has that name.`);
        if (!['is', 'is-not', 'less', 'greater', 'contains'].some((word) => when[word] !== undefined)) say(at, '<when> does not say what must hold. Add is="…", is-not, less, greater or contains.');
    });
    if (!rule.do.length) say('/do', 'the rule does nothing. Add <do action="…"/>.');
    rule.do.forEach((act, i) => {
        const at = `/do/${i}`;
        if (!act.action) return say(at, '<do> lacks the attribute action. Add action="…".');
        const [owner, id] = act.action.split('/');
        const module = owner === 'host' ? hostModule : owner === 'this' ? moduleOf(rule.on[0]?.trigger.split('/')[0] === '*' ? instances[0]?.name : rule.on[0]?.trigger.split('/')[0]) : moduleOf(owner);
        if (!module) return say(at, `there is no instance ${quoted(owner)}.`);
        const action = module.actions.find((one) => one.id === id);
        if (!action) return say(at, `the module ${module.id} has no action ${quoted(id ?? '')}.`);
        if (act.after !== undefined && !isDuration(act.after)) say(at, `after takes a length of time with its unit (ms, s, min, h), as in 250ms or 2s, not ${quoted(act.after)}.`);
        for (const field of action.arguments) {
            const value = act.arguments?.[field.id];
            const where = `${at}/arguments/${field.id}`;
            if (field.required && (value === undefined || value === '')) say(where, `${act.action} lacks its argument ${field.id}. Add <arg name="${field.id}">…</arg>.`);
            if (typeof value === 'string') {
                const sentence = value === '' ? '' : judge(field, value);
                if (sentence) say(where, sentence);
                judgeText(value, where);
                if (owner === 'host' && field.id === 'variable' && value && !variables.some((one) => one.name === value)) say(where, `there is no host variable ${quoted(value)}. Declare it with <variable name="…" type="…"/>.`);
                if (owner === 'host' && field.id === 'rule' && value && !world.rules.some((one) => one.name === value)) say(where, `there is no rule ${quoted(value)}.`);
            } else if (Array.isArray(value)) value.forEach((match, j) => match.kind && judgeMatch(match, `${where}/${j}`, say, false));
        }
    });
}
