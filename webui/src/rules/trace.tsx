import { useEffect, useState } from 'preact/hooks';
import { at, call, sentenceOf } from '../api';
import { listen } from '../channel';
import type { Replay, Trace, TraceEvent } from '../contract';
import { to } from '../router';
import { summaries } from '../store';
import { At, Button, Empty, Note } from '../ui/basics';
import { Icon } from '../ui/icons';
import { inOneLine } from '../ui/values';
import { TriedView } from './tried';

const deeds: Record<string, string> = { done: 'done', begun: 'begun', refused: 'refused', 'put-off': 'put off', 'given-up': 'given up', 'timed-out': 'timed out' };
const most = 1000;

function outcome(event: TraceEvent): { good: boolean; text: string } {
    const fired = event.looks.filter((one) => one.said === 'fired');
    if (fired.length) return { good: !fired.some((one) => one.acts.some((act) => ['refused', 'given-up', 'timed-out'].includes(act.state))), text: fired.map((one) => one.rule).join(', ') };
    if (event.listeners === 0) return { good: false, text: 'no rule listens to it' };
    return { good: false, text: event.listeners === 1 ? 'one rule looked, none fired' : `${event.listeners} rules looked, none fired` };
}

function Event({ event, open, toggle, rule }: { event: TraceEvent; open: boolean; toggle: () => void; rule: string | undefined }) {
    const [replay, setReplay] = useState<Replay | null>(null);
    const [problem, setProblem] = useState('');
    const { good, text } = outcome(event);
    const fired = event.looks.some((one) => one.said === 'fired');
    return (
        <li class={fired ? (good ? 'good' : 'bad') : 'no'}>
            <button type="button" class="line" aria-expanded={open} onClick={toggle}>
                <At at={event.time} fine />
                <span class="trigger">{event.cause === 'hand' ? 'by hand' : event.cause === 'rule' ? `by rule ${event.by ?? ''}` : event.trigger}</span>
                <code>{event.message ? inOneLine(event.message.text) : event.variables?.['sentence'] ?? Object.values(event.variables ?? {}).join(', ')}</code>
                <span class={`said ${fired ? (good ? 'good' : 'error') : ''}`}>
                    {fired && <Icon name={good ? 'check' : 'error'} />}
                    {text}
                </span>
            </button>
            {open && (
                <div class="unfolded">
                    {event.message && (
                        <pre tabIndex={0} aria-label="Message">
                            {event.message.text}
                            {event.message.cut ? '\n… cut' : ''}
                        </pre>
                    )}
                    {event.variables && (
                        <dl class="captures">
                            {Object.entries(event.variables).map(([name, value]) => (
                                <div key={name}>
                                    <dt>
                                        <code>{name}</code>
                                    </dt>
                                    <dd>{value}</dd>
                                </div>
                            ))}
                        </dl>
                    )}
                    <ul class="looks">
                        {event.looks.map((look, i) => (
                            <li key={i} class={look.rule === rule ? 'chosen' : ''}>
                                <p>
                                    <span class={`tick ${look.said === 'fired' ? 'good' : ''}`}>
                                        <Icon name={look.said === 'fired' ? 'check' : 'close'} />
                                    </span>
                                    <a href={to('rules', look.rule)}>{look.rule}</a>: {look.sentence}
                                </p>
                                {look.acts.map((act, j) => (
                                    <p key={j} class={`act ${['refused', 'given-up', 'timed-out'].includes(act.state) ? 'error' : ''}`}>
                                        {act.action} {deeds[act.state]}
                                        {act.sentence ? `: ${act.sentence}` : ''}
                                    </p>
                                ))}
                            </li>
                        ))}
                        {event.omitted > 0 && <li>and {event.omitted} more, which were not kept</li>}
                    </ul>
                    <Button
                        icon="play"
                        onClick={() => {
                            setProblem('');
                            call<Replay>(at`/api/trace/${event.number}/replay`, { method: 'POST' }).then(setReplay, (why: unknown) => setProblem(sentenceOf(why)));
                        }}
                    >
                        Try it against the rules as they are now
                    </Button>
                    <div aria-live="polite">
                        {problem && <Note kind="error">{problem}</Note>}
                        {replay && !replay.whole && <p class="help">Only the beginning of this message was kept, so the rules were tried with that.</p>}
                        {replay?.rules.map((one) => (
                            <TriedView key={one.rule} tried={one} title={one.rule} />
                        ))}
                        {replay && !replay.rules.length && <p>No rule listens to that now.</p>}
                    </div>
                </div>
            )}
        </li>
    );
}

/** What happened, newest first, and what the rules made of it. */
export function TraceView({ rule, short = false }: { rule?: string; short?: boolean }) {
    const [instance, setInstance] = useState('');
    const [only, setOnly] = useState<'all' | 'fired' | 'not'>('all');
    const [paused, setPaused] = useState(false);
    const [events, setEvents] = useState<TraceEvent[] | null>(null);
    const [skipped, setSkipped] = useState(0);
    const [open, setOpen] = useState<number | null>(null);
    const [more, setMore] = useState(true);
    useEffect(() => {
        if (paused) return;
        return listen(
            'trace',
            { ...(rule ? { rule } : {}), ...(instance ? { instance } : {}) },
            (state) => {
                setEvents(state.events);
                setSkipped(0);
                setMore(state.events.length >= 100);
            },
            (change) => {
                setSkipped((before) => before + change.skipped);
                setEvents((before) => {
                    const known = new Map((before ?? []).map((one) => [one.number, one]));
                    for (const one of change.events) known.set(one.number, one);
                    return [...known.values()].sort((left, right) => right.number - left.number).slice(0, most);
                });
            },
        );
    }, [rule, instance, paused]);
    const fits = (one: TraceEvent) => {
        if (only === 'all') return true;
        const fired = (rule ? one.looks.filter((look) => look.rule === rule) : one.looks).some((look) => look.said === 'fired');
        return fired === (only === 'fired');
    };
    const shown = events?.filter(fits).slice(0, short ? 20 : most) ?? [];
    const older = () =>
        call<Trace>(`/api/trace?limit=100&before=${events?.at(-1)?.number ?? 0}${rule ? `&rule=${encodeURIComponent(rule)}` : ''}${instance ? `&instance=${encodeURIComponent(instance)}` : ''}`).then(
            (one) => {
                setEvents([...(events ?? []), ...one.events]);
                setMore(one.events.length >= 100);
            },
            () => {},
        );
    return (
        <section class="trace" aria-label="Trace">
            <div class="toolbar">
                {!rule && (
                    <select aria-label="Of which instance" value={instance} onChange={(event) => setInstance(event.currentTarget.value)}>
                        <option value="">All instances</option>
                        {summaries.value.map((one) => (
                            <option key={one.name}>{one.name}</option>
                        ))}
                        <option value="host">host</option>
                    </select>
                )}
                <select aria-label="Which events" value={only} onChange={(event) => setOnly(event.currentTarget.value as 'all' | 'fired' | 'not')}>
                    <option value="all">All events</option>
                    <option value="fired">{rule ? 'It fired' : 'A rule fired'}</option>
                    <option value="not">{rule ? 'It did not fire' : 'No rule fired'}</option>
                </select>
                <Button icon={paused ? 'play' : 'pause'} aria-pressed={paused} onClick={() => setPaused(!paused)}>
                    {paused ? 'Go on' : 'Pause'}
                </Button>
            </div>
            {skipped > 0 && <p class="help">{skipped} events came faster than they could be shown here.</p>}
            {events && !shown.length && <Empty>Nothing has happened yet that {rule ? 'it listens to' : 'a rule listens to'}.</Empty>}
            <ol class="events">
                {shown.map((one) => (
                    <Event key={one.number} event={one} rule={rule} open={open === one.number} toggle={() => setOpen(open === one.number ? null : one.number)} />
                ))}
            </ol>
            {!short && more && shown.length > 0 && <Button onClick={() => void older()}>Earlier</Button>}
        </section>
    );
}
