import type { ComponentChildren } from 'preact';
import type { Do, Mistake, On, RuleDraft, Value, When } from '../contract';
import { summaries } from '../store';
import { Button, Switch } from '../ui/basics';
import { FieldRow } from '../ui/fields';
import { focusAdded, focusNext } from '../ui/focus';
import { MatchList } from '../ui/match';
import type { Name } from '../ui/insert';
import { Sentences } from '../ui/sentences';
import { mistakesAt } from '../ui/values';
import { actionOf, comparisons, modulesOf, namesFor, ownerInWords, split, statusOf, triggerOf, usualAction, wordOf, type Comparison } from './words';

type Part<T> = { value: T; onChange: (value: T) => void; mistakes: Mistake[]; at: string; disabled: boolean; rule: RuleDraft; what: string };

const omit = <T extends object>(from: T, key: keyof T): T => {
    const { [key]: _, ...rest } = from;
    return rest as T;
};

/** Instances by name, and who else can be meant. */
const Owners = ({ value, onChange, extra, label, disabled, wrong }: { value: string; onChange: (owner: string) => void; extra: string[]; label: string; disabled: boolean; wrong: boolean }) => {
    const names = summaries.value.map((one) => one.name);
    const all = [...names, ...extra];
    return (
        <select aria-label={label} disabled={disabled} aria-invalid={wrong} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
            {!all.includes(value) && <option value={value}>{value || 'Choose …'}</option>}
            {names.map((one) => (
                <option key={one}>{one}</option>
            ))}
            {extra.map((one) => (
                <option key={one} value={one}>
                    {ownerInWords(one)}
                </option>
            ))}
        </select>
    );
};

const Ids = ({ value, onChange, of, label, disabled, wrong }: { value: string; onChange: (id: string) => void; of: { id: string; label: string }[]; label: string; disabled: boolean; wrong: boolean }) => {
    const known = of.filter((one, i) => of.findIndex((each) => each.id === one.id) === i);
    return (
        <select aria-label={label} disabled={disabled} aria-invalid={wrong} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
            {!known.some((one) => one.id === value) && <option value={value}>{value || 'Choose …'}</option>}
            {known.map((one) => (
                <option key={one.id} value={one.id}>
                    {one.label}
                </option>
            ))}
        </select>
    );
};

function OnPart({ value: on, onChange, mistakes, at, disabled, what, children }: Part<On> & { children: ComponentChildren }) {
    const [owner, id] = split(on.trigger);
    const trigger = triggerOf(on.trigger);
    const own = mistakes.filter((one) => one.at === at);
    const wrong = own.length > 0;
    const pick = (nextOwner: string, nextId: string) => {
        const next = { trigger: `${nextOwner}/${nextId}`, ...(on.match && triggerOf(`${nextOwner}/${nextId}`)?.match ? { match: on.match } : {}) };
        onChange(next.trigger === 'host/every' ? { ...next, interval: on.interval ?? '5s' } : next);
    };
    return (
        <div class="part" data-item>
            <div class="control wrap">
                <Owners
                    label={`${what}, instance`}
                    value={owner}
                    extra={['*', 'host']}
                    disabled={disabled}
                    wrong={wrong}
                    onChange={(next) => {
                        const triggers = modulesOf(next).flatMap((one) => one.triggers);
                        pick(next, (triggers.find((one) => one.id === id) ?? (next === 'host' ? undefined : triggers.find((one) => one.match)) ?? triggers.find((one) => one.id === 'startup') ?? triggers[0])?.id ?? '');
                    }}
                />
                <Ids label={`${what}, trigger`} value={id} of={modulesOf(owner).flatMap((one) => one.triggers)} disabled={disabled} wrong={wrong} onChange={(next) => pick(owner, next)} />
                {on.trigger === 'host/every' && (
                    <input class="number" aria-label={`${what}, interval`} aria-invalid={wrong} disabled={disabled} placeholder="5s" value={on.interval ?? ''} onInput={(event) => onChange({ ...on, interval: event.currentTarget.value })} />
                )}
                {children}
            </div>
            {trigger && <p class="help">{trigger.help}</p>}
            {trigger?.match && (
                <MatchList gates what={trigger.match.label} word="Only some: add a match" at={`${at}/match`} matches={on.match ?? []} mistakes={mistakes} disabled={disabled} onChange={(match) => onChange(match.length ? { ...on, match } : omit(on, 'match'))} />
            )}
            <Sentences id={`wrong${at.replaceAll('/', '-')}`} mistakes={own} />
        </div>
    );
}

function WhenPart({ value: when, onChange, mistakes, at, disabled, rule, what, names, children }: Part<When> & { names: Name[]; children: ComponentChildren }) {
    const kind = when.status !== undefined ? 'status' : when.variable !== undefined ? 'variable' : 'value';
    const word = wordOf(when);
    const operand = when[word] ?? '';
    const subject = when.status ?? when.variable ?? when.value ?? '';
    const [owner, id] = split(when.status ?? '');
    const wrong = mistakes.length > 0;
    const put = (change: { kind?: 'status' | 'variable' | 'value'; subject?: string; word?: Comparison; operand?: string }) =>
        onChange({ [change.kind ?? kind]: change.subject ?? (change.kind && change.kind !== kind ? '' : subject), [change.word ?? word]: change.operand ?? operand });
    const status = when.status === undefined ? undefined : statusOf(when.status, rule);
    const values = status?.choices?.map((one) => ({ id: one.value, label: one.label })) ?? (status?.type === 'bool' ? [{ id: 'true', label: 'yes' }, { id: 'false', label: 'no' }] : undefined);
    const variables = names.filter((one) => one.group === 'Variables').map((one) => ({ id: one.name.slice(5), label: one.name.slice(5) }));
    const brought = (rule.on[0] ? (triggerOf(rule.on[0].trigger)?.variables ?? []) : []).map((one) => ({ id: one.id, label: one.label })).concat(names.filter((one) => one.group === 'Found in the message' && !/^\d+$/.test(one.name)).map((one) => ({ id: one.name, label: one.label })));
    return (
        <div class="part" data-item>
            <div class="control wrap">
                <select aria-label={`${what}, kind`} disabled={disabled} value={kind} onChange={(event) => {
                    const next = event.currentTarget.value as 'status' | 'variable' | 'value';
                    put({ kind: next, subject: next === 'variable' ? (variables[0]?.id ?? '') : next === 'value' ? (brought[0]?.id ?? '') : '' });
                }}>
                    <option value="status">status</option>
                    <option value="variable">variable</option>
                    <option value="value">what the trigger brings</option>
                </select>
                {kind === 'status' && (
                    <>
                        <Owners
                            label={`${what}, instance`}
                            value={owner}
                            extra={['this']}
                            disabled={disabled}
                            wrong={wrong}
                            onChange={(next) => {
                                const module = modulesOf(next, rule)[0];
                                const keep = module?.statuses.find((one) => one.id === id);
                                put({ subject: `${next}/${keep?.id ?? module?.stateStatus ?? module?.statuses[0]?.id ?? ''}` });
                            }}
                        />
                        <Ids label={`${what}, status`} value={id} of={modulesOf(owner, rule).flatMap((one) => one.statuses)} disabled={disabled} wrong={wrong} onChange={(next) => put({ subject: `${owner}/${next}`, operand: '' })} />
                    </>
                )}
                {kind === 'variable' && <Ids label={`${what}, variable`} value={subject.replace(/^host\//, '')} of={variables} disabled={disabled} wrong={wrong} onChange={(next) => put({ subject: next })} />}
                {kind === 'value' && <Ids label={`${what}, value`} value={subject} of={brought} disabled={disabled} wrong={wrong} onChange={(next) => put({ subject: next })} />}
                <select aria-label={`${what}, comparison`} disabled={disabled} value={word} onChange={(event) => put({ word: event.currentTarget.value as Comparison })}>
                    {comparisons.map(([one, label]) => (
                        <option key={one} value={one}>
                            {label}
                        </option>
                    ))}
                </select>
                {values && (word === 'is' || word === 'is-not') && !operand.includes('${') ? (
                    <Ids label={`${what}, compared with`} value={operand} of={values} disabled={disabled} wrong={wrong} onChange={(next) => put({ operand: next })} />
                ) : (
                    <input class="code grow" aria-label={`${what}, compared with`} aria-invalid={wrong} disabled={disabled} spellcheck={false} autocapitalize="none" value={operand} onInput={(event) => put({ operand: event.currentTarget.value })} />
                )}
                {children}
            </div>
            <Sentences id={`wrong${at.replaceAll('/', '-')}`} mistakes={mistakes} />
        </div>
    );
}

function DoPart({ value: act, onChange, mistakes, at, disabled, rule, what, names, children }: Part<Do> & { names: Name[]; children: ComponentChildren }) {
    const [owner, id] = split(act.action);
    const action = actionOf(act.action, rule);
    const own = mistakes.filter((one) => one.at === at);
    const wrong = own.length > 0;
    const put = (name: string, value: Value | undefined) => {
        const args = value === undefined || value === '' ? omit(act.arguments ?? {}, name) : { ...act.arguments, [name]: value };
        onChange(Object.keys(args).length ? { ...act, arguments: args } : omit(act, 'arguments'));
    };
    const pick = (reference: string) => {
        const known = actionOf(reference, rule)?.arguments ?? [];
        const args = Object.fromEntries(Object.entries(act.arguments ?? {}).filter(([name]) => known.some((one) => one.id === name)));
        onChange({ action: reference, ...(act.after ? { after: act.after } : {}), ...(Object.keys(args).length ? { arguments: args } : {}) });
    };
    return (
        <div class="part" data-item>
            <div class="control wrap">
                <Owners
                    label={`${what}, instance`}
                    value={owner}
                    extra={['this', 'host']}
                    disabled={disabled}
                    wrong={wrong}
                    onChange={(next) => {
                        const actions = modulesOf(next, rule).flatMap((one) => one.actions);
                        pick(`${next}/${(actions.find((one) => one.id === id) ?? usualAction(actions))?.id ?? ''}`);
                    }}
                />
                <Ids label={`${what}, action`} value={id} of={modulesOf(owner, rule).flatMap((one) => one.actions)} disabled={disabled} wrong={wrong} onChange={(next) => pick(`${owner}/${next}`)} />
                <label class="inline after">
                    after
                    <input class="number" aria-label={`${what}, after`} placeholder="at once" disabled={disabled} value={act.after ?? ''} onInput={(event) => onChange(event.currentTarget.value === '' ? omit(act, 'after') : { ...act, after: event.currentTarget.value })} />
                </label>
                {children}
            </div>
            <Sentences id={`wrong${at.replaceAll('/', '-')}`} mistakes={own} />
            {action && <p class="help">{action.help}</p>}
            {action?.arguments.map((field) => (
                <FieldRow
                    key={`${act.action}/${field.id}`}
                    field={field}
                    value={act.arguments?.[field.id]}
                    at={`${at}/arguments/${field.id}`}
                    mistakes={mistakesAt(mistakes, `${at}/arguments/${field.id}`)}
                    disabled={disabled}
                    {...(field.id === 'message' ? { rows: 2 } : {})}
                    names={names}
                    onChange={(next) => put(field.id, next)}
                />
            ))}
        </div>
    );
}

export function RuleForm({ rule, onChange, mistakes, variables, disabled }: { rule: RuleDraft; onChange: (rule: RuleDraft) => void; mistakes: Mistake[]; variables: string[]; disabled: boolean }) {
    const names = namesFor(rule, variables);
    const first = summaries.value[0]?.name ?? 'host';
    const whens = rule.when ?? [];
    const remove = (label: string, act: () => void) => (
        <Button
            icon="trash"
            kind="bare"
            disabled={disabled}
            label={label}
            onClick={(event) => {
                focusNext(event);
                act();
            }}
        />
    );
    const firstTrigger = () => {
        const triggers = modulesOf(first).flatMap((one) => one.triggers);
        return `${first}/${((first === 'host' ? undefined : triggers.find((one) => one.match)) ?? triggers.find((one) => one.id === 'startup') ?? triggers[0])?.id ?? ''}`;
    };
    // Who called is who is answered, until somebody chooses another.
    const firstAction = () => {
        const [caller] = split(rule.on[0]?.trigger ?? '');
        const owner = caller === '*' ? 'this' : caller === '' || caller === 'host' ? first : caller;
        const actions = modulesOf(owner, rule).flatMap((one) => one.actions);
        return `${owner}/${usualAction(actions)?.id ?? ''}`;
    };
    return (
        <>
            <FieldRow field={{ id: 'name', number: 0, label: 'Name', type: 'text', required: true, help: '' }} value={rule.name} at="/name" mistakes={mistakesAt(mistakes, '/name')} disabled={disabled} onChange={(next) => onChange({ ...rule, name: typeof next === 'string' ? next : '' })} />
            <fieldset class="group clause">
                <legend>When</legend>
                {rule.on.map((on, i) => (
                    <OnPart key={i} value={on} rule={rule} at={`/on/${i}`} what={rule.on.length > 1 ? `When ${i + 1}` : 'When'} disabled={disabled} mistakes={mistakesAt(mistakes, `/on/${i}`)} onChange={(next) => onChange({ ...rule, on: rule.on.with(i, next) })}>
                        {remove(`Remove trigger ${i + 1}`, () => onChange({ ...rule, on: rule.on.toSpliced(i, 1) }))}
                    </OnPart>
                ))}
                <Sentences id="wrong-on" mistakes={mistakes.filter((one) => one.at === '/on')} />
                <Button icon="add" disabled={disabled} onClick={(event) => {
                    focusAdded(event);
                    onChange({ ...rule, on: [...rule.on, { trigger: firstTrigger() }] });
                }}>
                    {rule.on.length ? 'Or another trigger' : 'Add a trigger'}
                </Button>
            </fieldset>
            <fieldset class="group clause">
                <legend>If</legend>
                {whens.map((when, i) => (
                    <WhenPart key={i} value={when} rule={rule} names={names} at={`/when/${i}`} what={`If ${i + 1}`} disabled={disabled} mistakes={mistakesAt(mistakes, `/when/${i}`)} onChange={(next) => onChange({ ...rule, when: whens.with(i, next) })}>
                        {remove(`Remove condition ${i + 1}`, () => onChange({ ...rule, when: whens.toSpliced(i, 1) }))}
                    </WhenPart>
                ))}
                <Button
                    icon="add"
                    disabled={disabled}
                    onClick={(event) => {
                        focusAdded(event);
                        const module = modulesOf(first)[0];
                        const state = module?.statuses.find((one) => one.id === module.stateStatus);
                        const well = state?.choices?.find((one) => one.value === 'ready')?.value ?? state?.choices?.[0]?.value ?? '';
                        onChange({ ...rule, when: [...whens, { status: `${first}/${state?.id ?? ''}`, is: well }] });
                    }}
                >
                    {whens.length ? 'And another condition' : 'Add a condition'}
                </Button>
            </fieldset>
            <fieldset class="group clause">
                <legend>Then</legend>
                {rule.do.map((act, i) => (
                    <DoPart key={i} value={act} rule={rule} names={names} at={`/do/${i}`} what={`Then ${i + 1}`} disabled={disabled} mistakes={mistakesAt(mistakes, `/do/${i}`)} onChange={(next) => onChange({ ...rule, do: rule.do.with(i, next) })}>
                        {rule.do.length > 1 && <Button icon="up" kind="bare" disabled={disabled || i === 0} label={`Move action ${i + 1} up`} onClick={() => onChange({ ...rule, do: rule.do.toSpliced(i, 1).toSpliced(i - 1, 0, act) })} />}
                        {remove(`Remove action ${i + 1}`, () => onChange({ ...rule, do: rule.do.toSpliced(i, 1) }))}
                    </DoPart>
                ))}
                <Sentences id="wrong-do" mistakes={mistakes.filter((one) => one.at === '/do')} />
                <Button icon="add" disabled={disabled} onClick={(event) => {
                    focusAdded(event);
                    onChange({ ...rule, do: [...rule.do, { action: firstAction() }] });
                }}>
                    {rule.do.length ? 'And another action' : 'Add an action'}
                </Button>
            </fieldset>
            <Switch label="No rule below is looked at once this one fires" on={rule.stop ?? false} disabled={disabled} onChange={(on) => onChange(on ? { ...rule, stop: true } : omit(rule, 'stop'))} />
        </>
    );
}
