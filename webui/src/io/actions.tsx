import { useEffect, useRef, useState } from 'preact/hooks';
import { at, call, Refused, sentenceOf } from '../api';
import type { Action, Call, Mistake, Module, Trace, Trigger, Values } from '../contract';
import { may } from '../store';
import { Button, Note } from '../ui/basics';
import { FieldRow } from '../ui/fields';
import { firstControl } from '../ui/focus';
import { Icon } from '../ui/icons';
import { mistakesAt } from '../ui/values';

type Ended = { action: Action; call: Call; answer?: string | undefined };

/** Runs an action to its end, however long that takes. */
async function run(instance: string, action: string, args: Values): Promise<Call> {
    let made = await call<Call>(at`/api/instances/${instance}/actions/${action}` + '?wait=10', { method: 'POST', body: { arguments: args } });
    while (made.state === 'running') made = await call<Call>(at`/api/calls/${made.call}` + '?wait=25', { idle: true });
    return made;
}

/** What answers an action comes as triggers that bring back what it was asked. */
const answersOf = (module: Module, action: Action): Trigger[] => module.triggers.filter((one) => one.variables.some((each) => each.id === action.id));

/** The answer to an action that is done, as the trace has it; nothing where it comes as something else. */
async function answerTo(instance: string, module: Module, action: Action): Promise<string | undefined> {
    const answers = answersOf(module, action);
    if (!answers.length) return undefined;
    const { events } = await call<Trace>(`/api/trace?${new URLSearchParams({ instance, limit: '100' })}`, { idle: true });
    for (const event of events) {
        const trigger = answers.find((one) => event.trigger === `${instance}/${one.id}`);
        if (trigger) return event.variables?.[trigger.match?.variable ?? ''];
    }
    return undefined;
}

const inWords = ({ action, call: one }: Ended, module: Module): string => {
    const took = one.milliseconds < 1000 ? `${Math.round(one.milliseconds)} ms` : `${(one.milliseconds / 1000).toFixed(1)} s`;
    const [answer] = answersOf(module, action);
    if (one.state === 'done' && answer) return `done in ${took}; rules hear the answer as ${answer.label}.`;
    return one.state === 'done' ? `done in ${took}` : one.state === 'timed-out' ? `timed out after ${took}. ${one.sentence ?? ''}` : `failed: ${one.sentence ?? 'no reason was given.'}`;
};

export function Actions({ instance, module, children }: { instance: string; module: Module; children?: preact.ComponentChildren }) {
    const [open, setOpen] = useState<string | null>(null);
    const [all, setAll] = useState(false);
    const [values, setValues] = useState<Record<string, Values>>({});
    const [busy, setBusy] = useState<string | null>(null);
    const [ended, setEnded] = useState<Ended | null>(null);
    const [mistakes, setMistakes] = useState<Mistake[]>([]);
    const [problem, setProblem] = useState('');
    const chosen = module.actions.find((one) => one.id === open);
    const opener = useRef<HTMLElement | null>(null);
    const form = useRef<HTMLFormElement>(null);
    useEffect(() => firstControl(form.current)?.focus(), [open]);
    const toggle = (action: Action, event: { currentTarget: HTMLElement }) => {
        opener.current = event.currentTarget;
        setOpen(open === action.id ? null : action.id);
    };
    const close = () => {
        setOpen(null);
        opener.current?.focus();
    };
    const begin = (action: Action) => {
        if (busy === action.id) return;
        setBusy(action.id);
        setEnded(null);
        setProblem('');
        setMistakes([]);
        run(instance, action.id, values[action.id] ?? {})
            .then(
                async (one) => setEnded({ action, call: one, answer: one.state === 'done' ? await answerTo(instance, module, action).catch(() => undefined) : undefined }),
                (why: unknown) => {
                    if (why instanceof Refused && why.problem.mistakes) setMistakes(why.problem.mistakes);
                    else setProblem(sentenceOf(why));
                },
            )
            .finally(() => setBusy(null));
    };
    const allowed = may('operate');
    // A handful is in view; what is needed less often is one press away.
    const original = module.actions.filter((one) => one.original);
    const first = module.actions.length <= 4 ? module.actions : original.length ? original : module.actions.slice(0, 3);
    const shown = all || (open && !first.some((one) => one.id === open)) ? module.actions : first;
    const button = (one: Action) => {
        const needs = one.arguments.some((each) => each.required) || (one.arguments.length > 0 && !one.original);
        return (
            <span key={one.id} class={needs || one.arguments.length === 0 ? '' : 'split'}>
                <Button
                    disabled={!allowed}
                    title={one.help}
                    busy={busy === one.id}
                    {...(needs ? { 'aria-expanded': open === one.id } : {})}
                    onClick={(event) => (needs ? toggle(one, event) : begin(one))}
                >
                    {one.label}
                    {needs ? ' …' : ''}
                </Button>
                {!needs && one.arguments.length > 0 && (
                    <Button disabled={!allowed} label={`${one.label} with …`} aria-expanded={open === one.id} icon="down" onClick={(event) => toggle(one, event)} />
                )}
            </span>
        );
    };
    return (
        <section class="actions" aria-label="Actions">
            <div class="row wrap">
                {first.map(button)}
                {children}
                {first.length < module.actions.length && (
                    <Button kind="bare" aria-expanded={all} onClick={() => setAll(!all)}>
                        {all ? 'Fewer' : 'More actions'}
                    </Button>
                )}
                {shown.filter((one) => !first.includes(one)).map(button)}
            </div>
            {chosen && (
                <form
                    ref={form}
                    class="card inset"
                    autocomplete="off"
                    onKeyDown={(event) => event.key === 'Escape' && close()}
                    onSubmit={(event) => {
                        event.preventDefault();
                        begin(chosen);
                    }}
                >
                    <p class="help">
                        {chosen.help}
                        {chosen.arguments.some((one) => one.help.includes('${')) && ' By hand, a text is taken as it is written: ${…} is replaced in rules only.'}
                    </p>
                    {chosen.arguments.map((field) => (
                        <FieldRow
                            key={`${chosen.id}/${field.id}`}
                            field={field}
                            value={values[chosen.id]?.[field.id]}
                            at={`/arguments/${field.id}`}
                            mistakes={mistakesAt(mistakes, `/arguments/${field.id}`)}
                            {...(field.id === 'message' || field.type === 'data' ? { rows: 3 } : {})}
                            onChange={(next) => {
                                const { [field.id]: _, ...rest } = values[chosen.id] ?? {};
                                setValues({ ...values, [chosen.id]: next === undefined ? rest : { ...rest, [field.id]: next } });
                            }}
                        />
                    ))}
                    <div class="row end">
                        <Button onClick={close}>Close</Button>
                        <Button kind="main" type="submit" busy={busy === chosen.id}>
                            {chosen.label}
                        </Button>
                    </div>
                </form>
            )}
            <div class="result" aria-live="polite">
                {busy && <p>{module.actions.find((one) => one.id === busy)?.label} …</p>}
                {problem && <Note kind="error">{problem}</Note>}
                {ended && (
                    <p class={ended.call.state === 'done' ? 'good' : 'error'}>
                        <Icon name={ended.call.state === 'done' ? 'check' : 'error'} />
                        {ended.action.label} {inWords(ended, module)}
                    </p>
                )}
                {ended?.answer !== undefined && (
                    <pre tabIndex={0} aria-label="Answer">
                        {ended.answer}
                    </pre>
                )}
            </div>
        </section>
    );
}
