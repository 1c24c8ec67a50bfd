// The HTTP API of the contract, over a World.
import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { readFileSync } from 'node:fs';
import { checkRule, historyOf, instanceOf, instanceOfXml, instanceXml, modulesState, passesFrames, passesLog, passesTrace, projectXml, ruleOf, ruleOfXml, rulesOf, summaryOf, systemOf, usersOf } from './views.mjs';
import { isName, nameTrouble, judgeRule, judgeSettings } from './judge.mjs';
import { settingsOf } from './manifest.mjs';
import { tryRule } from './rules.mjs';
import { typed } from './world.mjs';
import { childrenOf, parse } from './xml.mjs';

const contract = new URL('../../src/web/openapi.json', import.meta.url);

export class Refusal {
    constructor(status, error, sentence, more = {}) {
        Object.assign(this, { status, body: { error, sentence, ...more } });
    }
}
const notFound = (what) => new Refusal(404, 'not-found', `There is no ${what} (any more).`);
const same = (left, right) => JSON.stringify(left) === JSON.stringify(right);
const sleep = (milliseconds) => new Promise((go) => setTimeout(go, milliseconds));

async function until(seconds, holds) {
    const end = Date.now() + Math.min(25, seconds) * 1000;
    while (!holds() && Date.now() < end) await sleep(20);
}

export class Api {
    tokens = [];
    certificate = { https: false };
    constructor(world, channels) {
        this.world = world;
        this.channels = channels;
    }

    find(name) {
        const found = this.world.instances.find((one) => one.name === name);
        if (!found) throw notFound(`instance "${name}"`);
        return found;
    }
    rule(name) {
        const found = this.world.rules.find((one) => one.name === name);
        if (!found) throw notFound(`rule "${name}"`);
        return found;
    }

    /** Settings as they would stand in the file: what is kept is the reference that stands there now. */
    written(module, name, settings, before = {}) {
        const secrets = new Map();
        const made = {};
        for (const [id, value] of Object.entries(settings)) {
            const field = settingsOf(module).find((one) => one.id === id);
            if (field?.type === 'secret') {
                if (value?.set) {
                    if (before[id] !== undefined) made[id] = before[id];
                } else if (value !== '') {
                    if (/^\$\{(secret|env):[\w-]+\}$/.test(value)) made[id] = value;
                    else {
                        const reference = `${name}-${id}`;
                        secrets.set(reference, value);
                        made[id] = `\${secret:${reference}}`;
                    }
                }
            } else made[id] = value;
        }
        return { made, secrets };
    }

    checkInstance(module, name, settings, base = '/settings', secrets = new Map()) {
        const mistakes = [];
        const add = (warning) => (at, sentence) => mistakes.push({ sentence, warning, at });
        judgeSettings(module, name, settings, base, add(false), add(true), new Map([...this.world.project.secrets, ...secrets]));
        return mistakes;
    }

    asked(module, before, settings) {
        if (!before) return [];
        const differs = settingsOf(module).some((one) => one.asksForSecrets && (settings[one.id] ?? one.default ?? '') !== (before[one.id] ?? one.default ?? ''));
        return differs ? settingsOf(module).filter((one) => one.type === 'secret' && before[one.id] !== undefined && settings[one.id]?.set).map((one) => one.id) : [];
    }

    judged({ check, mistakes, needsSecrets = [], more = {}, apply }) {
        const ok = needsSecrets.length === 0 && mistakes.every((one) => one.warning);
        if (check) return { status: 200, body: { ok, mistakes, ...(needsSecrets.length ? { needsSecrets } : {}), ...more } };
        if (needsSecrets.length)
            throw new Refusal(422, 'mistakes', `Where the line leads has changed, so its secrets are asked for again: ${needsSecrets.join(', ')}.`, { needsSecrets, mistakes });
        if (!ok) throw new Refusal(422, 'mistakes', mistakes.find((one) => !one.warning).sentence, { mistakes });
        if (this.world.onDisk !== undefined) throw new Refusal(409, 'conflict', 'The file was changed on disk since it was loaded. Load it first; nothing of yours was saved.');
        return this.applied(apply);
    }
    applied(apply) {
        const answer = apply();
        ++this.world.generation;
        this.world.sync();
        return { status: answer.status ?? 200, body: { generation: this.world.generation, ...answer.body() } };
    }

    revision(request, has, more) {
        if (request.query.get('check') === 'true') return;
        const given = request.headers['if-match'];
        if (!given) throw new Refusal(428, 'revision-missing', 'If-Match is missing: say which revision you have seen.');
        if (given !== `"${has}"`) throw new Refusal(412, 'changed', more.sentence, { revision: has, ...more.body });
    }

    nameMistake(name, at = '/name') {
        if (!isName(name)) return [{ sentence: name === '' ? 'the attribute name of <instance> is empty. Write something into it.' : nameTrouble(name, 'an instance'), warning: false, at }];
        return this.world.instances.some((one) => one.name === name) ? [{ sentence: `there is an instance "${name}" already. Give each instance a name of its own.`, warning: false, at }] : [];
    }

    // ---- every operation of the contract, by its operationId

    listModules = () => ({ body: this.world.modules });
    listInstances = () => ({ body: this.world.instances.map((one) => summaryOf(this.world, one)) });
    getInstance = ({ path }) => ({ body: instanceOf(this.world, this.find(path.name).name) });

    addInstance = ({ body, query }) => {
        let draft = body;
        if (body.text !== undefined) {
            try {
                const at = parse(body.text);
                if (at.name !== 'instance') throw { sentence: `<${at.name}> is no <instance>. Copy an instance as text, and paste that.`, line: 1, column: 1 };
                draft = instanceOfXml(at);
            } catch (problem) {
                if (!problem.sentence) throw problem;
                return this.judged({ check: query.get('check') === 'true', mistakes: [{ sentence: problem.sentence, warning: false, at: '/text', line: problem.line, column: problem.column }] });
            }
            if (body.name) draft.name = body.name;
        }
        const module = this.world.module(draft.module);
        const name = draft.name ?? '';
        if (!module || module.id === 'host') return this.judged({ check: query.get('check') === 'true', mistakes: [{ sentence: `there is no module "${draft.module ?? ''}".`, warning: false, at: '/module' }] });
        const { made, secrets } = this.written(module, name, draft.settings);
        const mistakes = [...this.nameMistake(name), ...this.checkInstance(module, name, made, '/settings', secrets)];
        return this.judged({
            check: query.get('check') === 'true',
            mistakes: body.text === undefined ? mistakes : mistakes.map((one) => ({ ...one, at: one.at === '/name' ? '/name' : '/text' })),
            apply: () => {
                for (const [id, value] of secrets) this.world.project.secrets.set(id, value);
                this.world.instances.push({ name, module: module.id, settings: made });
                this.world.write('info', 'was added in the page', { instance: name });
                return { status: 201, body: () => ({ name, revision: this.world.revision(this.find(name)) }) };
            },
        });
    };

    saveInstance = (request) => {
        const { path, body, query } = request;
        const instance = this.find(path.name);
        const module = this.world.module(instance.module);
        this.revision(request, this.world.revision(instance), {
            sentence: `Somebody else has changed ${path.name} since you opened it. Nothing of yours was saved; look at both and save again.`,
            body: { instance: instanceOf(this.world, path.name) },
        });
        const { made, secrets } = this.written(module, path.name, body.settings, instance.settings);
        return this.judged({
            check: query.get('check') === 'true',
            mistakes: this.checkInstance(module, path.name, made, '/settings', secrets),
            needsSecrets: this.asked(module, instance.settings, body.settings),
            more: { restarts: settingsOf(module).some((one) => !one.live && !same(instance.settings[one.id], made[one.id])) },
            apply: () => {
                for (const [id, value] of secrets) this.world.project.secrets.set(id, value);
                instance.settings = made;
                return { body: () => ({ revision: this.world.revision(instance) }) };
            },
        });
    };

    removeInstance = (request) => {
        const { path, query } = request;
        const instance = this.find(path.name);
        this.revision(request, this.world.revision(instance), { sentence: `Somebody else has changed ${path.name} since you opened it. Nothing was removed.`, body: { instance: instanceOf(this.world, path.name) } });
        const users = usersOf(this.world, path.name);
        const along = query.get('withRules') === 'true';
        if (query.get('check') === 'true') return { body: { ok: along || users.length === 0, mistakes: along ? [] : users.map((one) => ({ sentence: `the rule "${one}" speaks of ${path.name}.`, warning: false })), rules: users } };
        if (users.length && !along) throw new Refusal(409, 'conflict', `${users.length} rules speak of ${path.name}: ${users.join(', ')}. Remove them too, or change them first.`);
        return this.judged({
            mistakes: [],
            apply: () => {
                this.world.project.instances = this.world.instances.filter((one) => one !== instance);
                this.world.project.rules = this.world.rules.filter((one) => !users.includes(one.name));
                return { body: () => ({ revision: this.world.revision(this.world.instances), rules: users }) };
            },
        });
    };

    renameInstance = (request) => {
        const { path, body, query } = request;
        const instance = this.find(path.name);
        this.revision(request, this.world.revision(instance), { sentence: `Somebody else has changed ${path.name} since you opened it. Nothing was renamed.`, body: { instance: instanceOf(this.world, path.name) } });
        const users = usersOf(this.world, path.name);
        return this.judged({
            check: query.get('check') === 'true',
            mistakes: body.name === path.name ? [] : this.nameMistake(body.name),
            more: { rules: users },
            apply: () => {
                const follow = (rule) => JSON.parse(JSON.stringify(rule).replaceAll(`"${path.name}/`, `"${body.name}/`).replaceAll(`\${${path.name}/`, `\${${body.name}/`));
                this.world.project.rules = this.world.rules.map((rule) => (users.includes(rule.name) ? follow(rule) : rule));
                instance.name = body.name;
                const unit = this.world.units.get(path.name);
                unit.name = body.name;
                this.world.units.delete(path.name);
                this.world.units.set(body.name, unit);
                return { body: () => ({ name: body.name, rules: users, revision: this.world.revision(instance) }) };
            },
        });
    };

    duplicateInstance = ({ path, body, query }) => {
        const instance = this.find(path.name);
        return this.judged({
            check: query.get('check') === 'true',
            mistakes: this.nameMistake(body.name),
            apply: () => {
                this.world.instances.splice(this.world.instances.indexOf(instance) + 1, 0, { ...structuredClone(instance), name: body.name });
                return { status: 201, body: () => ({ name: body.name, revision: this.world.revision(this.find(body.name)) }) };
            },
        });
    };

    instanceAsText = ({ path }) => ({ body: instanceXml(this.find(path.name)), type: 'application/xml' });

    addTable = ({ body, query }) => {
        const module = this.world.module(body.module);
        const like = body.like ? this.find(body.like) : undefined;
        const mistakes = [];
        const taken = new Set();
        const rows = body.rows.map((row, i) => {
            const { made, secrets } = this.written(module, row.name, row.settings);
            const settings = { ...(like?.settings ?? {}), ...made };
            mistakes.push(...this.nameMistake(row.name, `/rows/${i}/name`));
            if (taken.has(row.name)) mistakes.push({ sentence: `there is an instance "${row.name}" already. Give each instance a name of its own.`, warning: false, at: `/rows/${i}/name` });
            taken.add(row.name);
            mistakes.push(...this.checkInstance(module, row.name, settings, `/rows/${i}/settings`, secrets));
            return { name: row.name, module: module.id, settings, secrets };
        });
        return this.judged({
            check: query.get('check') === 'true',
            mistakes,
            apply: () => {
                for (const { secrets, ...row } of rows) {
                    for (const [id, value] of secrets) this.world.project.secrets.set(id, value);
                    this.world.instances.push(row);
                }
                return { status: 201, body: () => ({ revision: this.world.revision(this.world.instances) }) };
            },
        });
    };

    callAction = async ({ path, body, query }) => {
        this.find(path.name);
        const action = this.world.moduleOf(path.name).actions.find((one) => one.id === path.action);
        if (!action) throw notFound(`action "${path.action}"`);
        for (const field of action.arguments)
            if (field.required && !body.arguments?.[field.id]) throw new Refusal(422, 'mistakes', `${path.name}/${path.action} needs the argument ${field.id}.`, { mistakes: [{ sentence: `${path.name}/${path.action} needs the argument ${field.id}.`, warning: false, at: `/arguments/${field.id}` }] });
        const call = this.world.act(path.name, path.action, body.arguments ?? {});
        await until(Number(query.get('wait') ?? 0), () => call.state !== 'running');
        return { status: call.state === 'running' ? 202 : 200, body: call };
    };
    getCall = async ({ path, query }) => {
        const call = this.world.calls.find((one) => one.call === Number(path.id));
        if (!call) throw notFound('call');
        await until(Number(query.get('wait') ?? 0), () => call.state !== 'running');
        return { body: call };
    };
    testConnection = ({ path, body }) => {
        const instance = this.find(path.name);
        const module = this.world.module(instance.module);
        if (!module.testable) throw new Refusal(409, 'conflict', `${module.label} has no connection to test.`);
        const settings = body.settings ?? instance.settings;
        const needsSecrets = body.settings ? this.asked(module, instance.settings, body.settings) : [];
        if (needsSecrets.length) throw new Refusal(422, 'mistakes', `Where the line leads has changed, so its secrets are asked for again: ${needsSecrets.join(', ')}.`, { needsSecrets });
        const mistakes = this.checkInstance(module, path.name, this.written(module, path.name, settings, instance.settings).made).filter((one) => !one.warning);
        if (mistakes.length) throw new Refusal(422, 'mistakes', mistakes[0].sentence, { mistakes });
        return { status: 202, body: this.world.test(path.name, settings) };
    };
    getTest = async ({ path, query }) => {
        const test = this.world.tests.find((one) => one.test === Number(path.id));
        if (!test) throw notFound('test');
        const after = Number(query.get('after') ?? -1);
        await until(Number(query.get('wait') ?? 0), () => test.ended || test.step > after);
        return { body: test };
    };
    getHistory = ({ path, query }) => ({ body: historyOf(this.world, this.find(path.name).name, Number(query.get('from') ?? 0)) });
    listFrames = ({ query }) => {
        const all = this.world.frames.filter(passesFrames({ instance: query.get('instance') ?? undefined })).filter((one) => one.number < Number(query.get('before') ?? Infinity));
        const limit = Number(query.get('limit') ?? 200);
        return { body: { frames: all.slice(-limit), more: all.length > limit } };
    };

    listRules = () => ({ body: rulesOf(this.world) });
    getRule = ({ path }) => ({ body: ruleOf(this.world, this.rule(path.name)) });
    draft({ before: _, ...rule }) {
        return { ...rule, when: rule.when ?? [] };
    }
    ruleMistakes(rule, before) {
        const mistakes = checkRule(this.world, rule);
        if (rule.name !== before && this.world.rules.some((one) => one.name === rule.name)) mistakes.unshift({ sentence: `there is a rule "${rule.name}" already. Give each rule a name of its own.`, warning: false, at: '/name' });
        return mistakes;
    }
    addRule = ({ body, query }) => {
        const rule = this.draft(body);
        return this.judged({
            check: query.get('check') === 'true',
            mistakes: this.ruleMistakes(rule),
            apply: () => {
                const place = this.world.rules.findIndex((one) => one.name === body.before);
                this.world.rules.splice(place < 0 ? this.world.rules.length : place, 0, rule);
                return { status: 201, body: () => ({ name: rule.name, revision: this.world.revision(rule) }) };
            },
        });
    };
    saveRule = (request) => {
        const { path, body, query } = request;
        const rule = this.rule(path.name);
        this.revision(request, this.world.revision(rule), { sentence: `Somebody else has changed the rule "${path.name}" since you opened it. Nothing of yours was saved; look at both and save again.`, body: { rule: ruleOf(this.world, rule) } });
        const draft = { ...this.draft(body), enabled: body.enabled ?? rule.enabled !== false };
        if (draft.enabled) delete draft.enabled;
        return this.judged({
            check: query.get('check') === 'true',
            mistakes: this.ruleMistakes(draft, path.name),
            apply: () => {
                this.world.rules[this.world.rules.indexOf(rule)] = draft;
                if (draft.name !== path.name) this.world.reports.set(draft.name, this.world.reports.get(path.name));
                return { body: () => ({ name: draft.name, revision: this.world.revision(draft) }) };
            },
        });
    };
    removeRule = (request) => {
        const rule = this.rule(request.path.name);
        this.revision(request, this.world.revision(rule), { sentence: `Somebody else has changed the rule "${rule.name}" since you opened it. Nothing was removed.`, body: { rule: ruleOf(this.world, rule) } });
        return this.judged({
            check: request.query.get('check') === 'true',
            mistakes: [],
            apply: () => {
                this.world.project.rules = this.world.rules.filter((one) => one !== rule);
                return { body: () => ({ revision: this.world.revision(this.world.rules) }) };
            },
        });
    };
    duplicateRule = ({ path, body }) => {
        const rule = this.rule(path.name);
        const copy = { ...structuredClone(rule), name: body.name, enabled: false };
        return this.judged({
            mistakes: this.ruleMistakes(copy),
            apply: () => {
                this.world.rules.splice(this.world.rules.indexOf(rule) + 1, 0, copy);
                return { status: 201, body: () => ({ name: copy.name, revision: this.world.revision(copy) }) };
            },
        });
    };
    enableRule = (request) => {
        const { path, body } = request;
        const rule = this.rule(path.name);
        this.revision(request, this.world.revision(rule), { sentence: 'Somebody else has changed this rule since you opened it. It was not switched.', body: { rule: ruleOf(this.world, rule) } });
        return this.judged({
            mistakes: [],
            apply: () => {
                if (body.enabled) delete rule.enabled;
                else rule.enabled = false;
                return { body: () => ({ revision: this.world.revision(rule) }) };
            },
        });
    };
    fireRule = ({ path }) => {
        const rule = this.rule(path.name);
        if (!ruleOf(this.world, rule).byHand) throw new Refusal(409, 'conflict', `The rule "${rule.name}" uses what its trigger brings, so it cannot be fired by hand. Use Try it.`);
        const record = this.world.fire('host/manual', {}, { byHand: true, only: rule.name });
        const look = record.looks[0];
        return { body: { fired: look.said === 'fired', sentence: look.said === 'fired' ? `It fired: ${look.acts.map((one) => `${one.action} ${one.state}`).join(', ')}.` : `It did not fire. ${look.sentence}` } };
    };
    orderRules = (request) => {
        this.revision(request, this.world.revision(this.world.rules), { sentence: 'Somebody else has changed the rules since. The order is as it was.', body: {} });
        const { names } = request.body;
        if (!same([...names].sort(), this.world.rules.map((one) => one.name).sort())) throw new Refusal(422, 'mistakes', 'The order does not name every rule exactly once.');
        return this.judged({
            mistakes: [],
            apply: () => {
                this.world.project.rules = names.map((name) => this.rule(name));
                return { body: () => ({ revision: this.world.revision(this.world.rules) }) };
            },
        });
    };
    tryRule = ({ body }) => {
        const mistakes = checkRule(this.world, this.draft(body.rule));
        if (mistakes.length) throw new Refusal(422, 'mistakes', mistakes[0].sentence, { mistakes });
        return { body: tryRule({ ...body.rule, enabled: true }, { trigger: body.sample.trigger, variables: body.sample.variables }, this.world) };
    };
    saveVariable = (request) => {
        const { path, body, query } = request;
        const found = this.world.variables.find((one) => one.name === path.name);
        if (found || request.headers['if-match'])
            this.revision(request, found ? this.world.revision(found) : '', { sentence: `Somebody else has ${found ? 'changed' : 'removed'} this variable since you opened it. Nothing of yours was saved.`, body: {} });
        const mistakes = isName(path.name) ? [] : [{ sentence: nameTrouble(path.name, 'a variable'), warning: false, at: '/name' }];
        if ((body.type === 'int' || body.type === 'real') && (body.initial.trim() === '' || Number.isNaN(Number(body.initial)))) mistakes.push({ sentence: `"${body.initial}" is no ${body.type === 'int' ? 'whole number' : 'number'}, and so the variable ${path.name} cannot begin with it.`, warning: false, at: '/initial' });
        return this.judged({
            check: query.get('check') === 'true',
            mistakes,
            apply: () => {
                if (found) Object.assign(found, body);
                else this.world.variables.push({ name: path.name, ...body });
                this.world.values.set(path.name, { value: typed(body.type, body.initial), at: Date.now() });
                return { body: () => ({ name: path.name, revision: this.world.revision(this.world.variables.find((one) => one.name === path.name)) }) };
            },
        });
    };
    removeVariable = (request) => {
        const { path, query } = request;
        const users = rulesOf(this.world).variables.find((one) => one.name === path.name)?.usedBy;
        if (!users) throw notFound(`variable "${path.name}"`);
        this.revision(request, this.world.revision(this.world.variables.find((one) => one.name === path.name)), { sentence: 'Somebody else has changed this variable since you opened it. Nothing was removed.' });
        if (users.length) throw new Refusal(409, 'conflict', `The variable ${path.name} is used by ${users.join(', ')}. Change them first.`);
        return this.judged({
            check: query.get('check') === 'true',
            mistakes: [],
            apply: () => {
                this.world.project.variables = this.world.variables.filter((one) => one.name !== path.name);
                return { body: () => ({ revision: this.world.revision(this.world.rules) }) };
            },
        });
    };
    listTrace = ({ query }) => {
        const filter = { rule: query.get('rule') ?? undefined, instance: query.get('instance') ?? undefined };
        const all = this.world.trace.filter(passesTrace(filter)).filter((one) => one.number < Number(query.get('before') ?? Infinity));
        return { body: { events: all.slice(-Number(query.get('limit') ?? 100)).reverse(), total: this.world.eventNumber } };
    };
    replayEvent = ({ path }) => {
        const event = this.world.trace.find((one) => one.number === Number(path.number));
        if (!event) throw notFound('event: only the last 1,000 are kept');
        const trigger = this.world.moduleOf(event.trigger.split('/')[0])?.triggers.find((one) => one.id === event.trigger.split('/')[1]);
        const variables = { ...event.variables, ...(event.message ? { [trigger?.match?.variable ?? 'message']: event.message.text } : {}) };
        let stoppedBy;
        const rules = [];
        for (const rule of this.world.rules) {
            const said = tryRule(rule, { trigger: event.trigger, variables, byHand: event.cause === 'hand' && event.looks[0]?.rule === rule.name }, this.world);
            if (said.said === 'other-trigger') continue;
            if (stoppedBy) Object.assign(said, { said: 'stopped', sentence: `It was not reached, because rule "${stoppedBy}" ended the walk.`, would: [] });
            rules.push(said);
            if (said.said === 'fired' && rule.stop) stoppedBy = rule.name;
        }
        return { body: { number: event.number, whole: !event.message?.cut, rules, ...(stoppedBy ? { stoppedBy } : {}) } };
    };

    listLog = ({ query }) => {
        const filter = Object.fromEntries([...query].filter(([name]) => ['level', 'instance', 'rule', 'search'].includes(name)));
        const all = this.world.log.filter(passesLog(filter)).filter((one) => one.number < Number(query.get('before') ?? Infinity));
        const limit = Number(query.get('limit') ?? 500);
        return { body: { records: all.slice(-limit), more: all.length > limit } };
    };
    downloadLog = ({ query }) => ({
        body: this.world.log.map((one) => (query.get('format') === 'json' ? JSON.stringify(one) : `${new Date(one.time).toISOString()} ${one.level.padEnd(7)} ${one.instance ? `${one.instance}: ` : ''}${one.text}`)).join('\n') + '\n',
        type: 'text/plain',
        file: 'iomhost.log',
    });

    getSystem = () => ({ body: systemOf(this.world, this.channels.size) });
    downloadProject = () => ({ body: projectXml(this.world), type: 'application/xml', file: 'line-3.xml' });
    uploadProject = (request) => {
        const { body, query } = request;
        this.revision(request, systemOf(this.world, 0).project.revision, { sentence: 'The project was changed since you looked at it. Nothing was replaced.', body: {} });
        const { next, mistakes } = this.readProject(body);
        return this.judged({ check: query.get('check') === 'true', mistakes, apply: () => this.useProject(next) });
    };
    reloadProject = () => {
        const { onDisk } = this.world;
        if (onDisk === undefined) return this.applied(() => ({ body: () => ({ revision: systemOf(this.world, 0).project.revision }) }));
        const { next, mistakes } = this.readProject(onDisk);
        if (mistakes.some((one) => !one.warning)) throw new Refusal(422, 'mistakes', 'The file has mistakes; everything goes on as before.', { mistakes });
        delete this.world.onDisk;
        return this.applied(() => this.useProject(next));
    };
    /** What such a file says, and what is wrong with it. */
    readProject(text) {
        const mistakes = [];
        let next;
        try {
            const root = parse(text);
            if (root.name !== 'project') throw { sentence: `<${root.name}> is no <project>.`, line: root.line, column: root.column };
            next = {
                name: root.attributes.name ?? '',
                instances: childrenOf(root, 'instance').map(instanceOfXml),
                variables: childrenOf(root, 'variable').map((one) => ({ name: one.attributes.name, type: one.attributes.type, initial: one.attributes.value ?? '' })),
                rules: childrenOf(root, 'rule').map(ruleOfXml),
            };
            const places = childrenOf(root, 'instance');
            next.instances.forEach((one, i) => {
                const module = this.world.module(one.module);
                const place = { line: places[i].line, column: places[i].column };
                if (!module) mistakes.push({ sentence: `there is no module "${one.module}".`, warning: false, ...place });
                else mistakes.push(...this.checkInstance(module, one.name, one.settings).map(({ sentence, warning }) => ({ sentence, warning, ...place })));
            });
            const view = { instances: next.instances, variables: next.variables, rules: next.rules, moduleOf: (name) => (name === 'host' ? this.world.module('host') : this.world.module(next.instances.find((one) => one.name === name)?.module)) };
            next.rules.forEach((rule, i) => judgeRule(rule, view, (_at, sentence) => mistakes.push({ sentence, warning: false, line: childrenOf(root, 'rule')[i].line, column: 3 })));
        } catch (problem) {
            if (!problem.sentence) throw problem;
            mistakes.push({ sentence: problem.sentence, warning: false, line: problem.line, column: problem.column });
        }
        return { next, mistakes };
    }
    useProject(next) {
        Object.assign(this.world.project, next);
        this.world.values.clear();
        for (const one of next.variables) this.world.values.set(one.name, { value: typed(one.type, one.initial), at: Date.now() });
        return { body: () => ({ revision: systemOf(this.world, 0).project.revision }) };
    }
    supportBundle = () => ({ body: gzipSync(projectXml(this.world)), type: 'application/gzip', file: 'support.tar.gz' });

    /** What stands beside the project and may be there already. */
    kept(request, found, what) {
        if (found || request.headers['if-match']) this.revision(request, found?.revision ?? '', { sentence: `Somebody else has ${found ? 'changed' : 'removed'} ${what} since you looked.` });
    }

    listSecrets = () => ({
        body: [...this.world.project.secrets].map(([name, value]) => ({
            name,
            revision: this.world.revision([name, value]),
            usedBy: [...this.world.instances.filter((one) => JSON.stringify(one).includes(`\${secret:${name}}`)).map((one) => one.name), ...this.world.rules.filter((one) => JSON.stringify(one).includes(`\${secret:${name}}`)).map((one) => `"${one.name}"`)],
        })),
    });
    saveSecret = (request) => {
        const { path, body } = request;
        if (!isName(path.name)) throw new Refusal(422, 'mistakes', nameTrouble(path.name, 'a secret'));
        const found = this.listSecrets().body.find((one) => one.name === path.name);
        this.kept(request, found, 'this secret');
        this.world.project.secrets.set(path.name, body.value);
        this.world.sync();
        return { status: 204 };
    };
    removeSecret = (request) => {
        const { path } = request;
        const found = this.listSecrets().body.find((one) => one.name === path.name);
        if (!found) throw notFound(`secret "${path.name}"`);
        if (found.usedBy.length) throw new Refusal(409, 'conflict', `The secret ${path.name} is used by ${found.usedBy.join(', ')}. Change them first.`);
        this.kept(request, found, 'this secret');
        this.world.project.secrets.delete(path.name);
        return { status: 204 };
    };
    listFiles = () => ({ body: [...this.world.project.files].map(([name, one]) => ({ name, ...one, revision: this.world.revision([name, one]), usedBy: this.world.instances.filter((instance) => JSON.stringify(instance.settings).includes(`"${name}"`)).map((instance) => instance.name) })) });
    saveFile = (request) => {
        const { path, body } = request;
        if (!/^[\w.-]+$/.test(path.name) || path.name.startsWith('.')) throw new Refusal(422, 'mistakes', `"${path.name}" cannot be the name of a file here. Use letters, digits, . - and _.`);
        this.kept(request, this.listFiles().body.find((one) => one.name === path.name), 'this file');
        this.world.project.files.set(path.name, { size: body.length, changed: Date.now() });
        return { status: 204 };
    };
    removeFile = (request) => {
        const { path } = request;
        const found = this.listFiles().body.find((one) => one.name === path.name);
        if (!found) throw notFound(`file "${path.name}"`);
        if (found.usedBy.length) throw new Refusal(409, 'conflict', `The file ${path.name} is used by ${found.usedBy.join(', ')}. Change them first.`);
        this.kept(request, found, 'this file');
        this.world.project.files.delete(path.name);
        return { status: 204 };
    };
    getCertificate = () => ({ body: this.certificate });
    saveCertificate = ({ body }) => {
        if (!body.certificate.includes('-----BEGIN CERTIFICATE-----')) throw new Refusal(422, 'mistakes', 'This is no certificate in PEM form: it has no line -----BEGIN CERTIFICATE-----.');
        this.certificate = { https: false, generated: false, subject: 'CN=controller.plant.example', names: ['controller.plant.example'], issuer: 'CN=Plant CA', notBefore: Date.now(), notAfter: Date.now() + 3e10, fingerprint: 'ab:cd' };
        return { body: this.certificate };
    };
    generateCertificate = () => {
        this.certificate = { https: false, generated: true, subject: 'CN=controller-7', names: ['controller-7'], issuer: 'CN=controller-7', notBefore: Date.now(), notAfter: Date.now() + 3e10, fingerprint: randomBytes(32).toString('hex').replace(/..(?=.)/g, '$&:') };
        return { body: this.certificate };
    };

    listTokens = () => ({ body: this.tokens });
    createToken = ({ body }) => {
        if (this.tokens.some((one) => one.name === body.name)) throw new Refusal(409, 'conflict', `There is a token "${body.name}" already. Revoke it, or choose another name.`);
        const info = { id: (this.tokens.at(-1)?.id ?? 0) + 1, name: body.name, right: body.right, created: Date.now(), ...(body.days ? { expires: Date.now() + body.days * 8.64e7 } : {}) };
        this.tokens.push(info);
        return { status: 201, body: { token: `iom_${randomBytes(24).toString('base64url')}`, info } };
    };
    revokeToken = ({ path }) => {
        if (!this.tokens.some((one) => one.id === Number(path.id))) throw notFound('token');
        this.tokens = this.tokens.filter((one) => one.id !== Number(path.id));
        return { status: 204 };
    };
    getContract = () => ({ body: readFileSync(contract, 'utf8'), type: 'application/json' });
    getMetrics = () => ({
        body: this.world.instances.map((one) => `iom_instance_ready{instance="${one.name}"} ${this.world.units.get(one.name).statuses['is-ready']?.value ? 1 : 0}\n`).join(''),
        type: 'text/plain',
    });
    state = () => modulesState(this.world);
}
