import { useEffect, useState } from 'preact/hooks';
import { at, call, sentenceOf } from '../api';
import type { Instance, RuleDraft, Tried } from '../contract';
import { summaries } from '../store';
import { Button, Note, Switch } from '../ui/basics';
import { TriedView } from './tried';
import { lastOf, modulesOf, split, triggerOf } from './words';

/** The triggers that a sample can be of: for *, one of each instance that has it. */
const samplesFor = (rule: RuleDraft): string[] => [
    ...new Set(
        rule.on.flatMap((on) => {
            const [owner, id] = split(on.trigger);
            return owner === '*' ? summaries.value.filter((one) => triggerOf(`${one.name}/${id}`)).map((one) => `${one.name}/${id}`) : triggerOf(on.trigger) ? [on.trigger] : [];
        }),
    ),
];

export function TryIt({ rule }: { rule: RuleDraft }) {
    const triggers = samplesFor(rule);
    const [chosen, setChosen] = useState('');
    const [values, setValues] = useState<Record<string, string>>({});
    const [tried, setTried] = useState<Tried | null>(null);
    const [problem, setProblem] = useState('');
    const trigger = triggers.includes(chosen) ? chosen : (triggers[0] ?? '');
    const described = triggerOf(trigger);
    const [owner] = split(trigger);
    const held = lastOf(modulesOf(owner)[0], described);
    const variables = Object.fromEntries(
        (described?.variables ?? []).map((one) => {
            const written = values[one.id] ?? '';
            return [one.id, one.type === 'bool' ? written === 'true' : (one.type === 'int' || one.type === 'real') && written !== '' && !Number.isNaN(Number(written)) ? Number(written) : written];
        }),
    );
    const body = { rule: { ...rule, name: rule.name || 'new' }, sample: { trigger, variables } };
    const key = JSON.stringify(body);
    useEffect(() => {
        if (!trigger) {
            setTried(null);
            return;
        }
        const mine = new AbortController();
        const timer = setTimeout(
            () =>
                call<Tried>('/api/try', { method: 'POST', body, signal: mine.signal, idle: true }).then(
                    (one) => {
                        setTried(one);
                        setProblem('');
                    },
                    (why: unknown) => {
                        if (mine.signal.aborted) return;
                        setTried(null);
                        setProblem(sentenceOf(why));
                    },
                ),
            200,
        );
        return () => {
            clearTimeout(timer);
            mine.abort();
        };
    }, [key]);
    useEffect(() => {
        if (held && described?.match && values[described.match.variable] === undefined) void takeLast();
    }, [trigger]);
    const takeLast = () =>
        call<Instance>(at`/api/instances/${owner}`, { idle: true }).then(
            (one) => {
                const last = one.statuses[held?.id ?? '']?.value;
                if (typeof last === 'string') setValues({ ...values, [described?.match?.variable ?? 'message']: last });
            },
            () => {},
        );
    return (
        <section class="card try" aria-labelledby="try-title">
            <h2 id="try-title">Try it</h2>
            <p class="help">With a sample, and with statuses and variables as they are now. Nothing is sent.</p>
            {!trigger && <p class="help">Add a trigger first.</p>}
            {triggers.length > 1 && (
                <label class="inline">
                    Something has happened:
                    <select value={trigger} onChange={(event) => setChosen(event.currentTarget.value)}>
                        {triggers.map((one) => (
                            <option key={one}>{one}</option>
                        ))}
                    </select>
                </label>
            )}
            {described?.variables.map((one) => (
                <div key={one.id} class="field">
                    <div class="label">
                        <label for={`try-${one.id}`}>{one.label}</label>
                        {held && one.id === described.match?.variable && (
                            <Button kind="bare" class="small" onClick={() => void takeLast()}>
                                Take the last one received
                            </Button>
                        )}
                    </div>
                    {one.type === 'bool' ? (
                        <Switch id={`try-${one.id}`} label={values[one.id] === 'true' ? 'yes' : 'no'} on={values[one.id] === 'true'} onChange={(on) => setValues({ ...values, [one.id]: String(on) })} />
                    ) : one.type === 'data' ? (
                        <textarea id={`try-${one.id}`} class="code" rows={2} spellcheck={false} value={values[one.id] ?? ''} onInput={(event) => setValues({ ...values, [one.id]: event.currentTarget.value })} />
                    ) : (
                        <input id={`try-${one.id}`} spellcheck={false} autocapitalize="none" value={values[one.id] ?? ''} onInput={(event) => setValues({ ...values, [one.id]: event.currentTarget.value })} />
                    )}
                </div>
            ))}
            <div aria-live="polite">
                {problem && <Note kind="error">{problem}</Note>}
                {tried && <TriedView tried={tried} />}
            </div>
        </section>
    );
}
