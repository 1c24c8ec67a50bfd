import { useEffect, useRef, useState } from 'preact/hooks';
import { at, call, sentenceOf } from '../api';
import { listen } from '../channel';
import type { Replay, Trace, TraceEvent } from '../contract';
import { to } from '../router';
import { summaries } from '../store';
import { At, Button, Empty, memo, Note } from '../ui/basics';
import { Icon } from '../ui/icons';
import { inOneLine } from '../ui/values';
import { TriedView } from './tried';
import { actionInWords, split, triggerOf } from './words';

const deeds: Record<string, string> = { done: 'done', begun: 'begun', refused: 'refused', 'put-off': 'put off', 'given-up': 'given up', 'timed-out': 'timed out' };
const most = 1000;

function outcome(event: TraceEvent): { good: boolean; text: string } {
    const fired = event.looks.filter((one) => one.said === 'fired');
    if (fired.length) return { good: !fired.some((one) => one.acts.some((act) => ['refused', 'given-up', 'timed-out'].includes(act.state))), text: fired.map((one) => one.rule).join(', ') };
    if (event.listeners === 0) return { good: false, text: 'no rule listens to it' };
    return { good: false, text: event.listeners === 1 ? 'one rule looked, none fired' : `${event.listeners} rules looked, none fired` };
}

/** As the rule's form names it. */
function triggerInWords(reference: string): string {
    const [owner, id] = split(reference);
    const label = triggerOf(reference)?.label ?? id;
    return owner === 'host' ? label : `${owner}: ${label}`;
}

/** In one line what it was about: an error's sentence says more than its message, which is but its layer. */
const preview = ({ message, variables = {} }: TraceEvent): string => variables['sentence'] ?? (message ? inOneLine(message.text.slice(0, 400)) : Object.values(variables).join(', '));

const Event = memo(({ event, open, choose, rule }: { event: TraceEvent; open: boolean; choose: (number: number | null) => void; rule: string | undefined }) => {
    const [replay, setReplay] = useState<Replay | null>(null);
    const [problem, setProblem] = useState('');
    const { good, text } = outcome(event);
    const fired = event.looks.some((one) => one.said === 'fired');
    return (
        <li class={fired ? (good ? 'good' : 'bad') : 'no'}>
            <button type="button" class="line" aria-expanded={open} onClick={() => choose(open ? null : event.number)}>
                <At at={event.time} fine />
                <span class="trigger" title={event.trigger}>{event.cause === 'hand' ? 'by hand' : event.cause === 'rule' ? `by rule ${event.by ?? ''}` : triggerInWords(event.trigger)}</span>
                <code>{preview(event)}</code>
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
                                        <span title={act.action}>{actionInWords(act.action)}</span> {deeds[act.state]}
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
});

/** What happened, newest first, and what the rules made of it. */
export function TraceView({ rule, short = false }: { rule?: string; short?: boolean }) {
    const [instance, setInstance] = useState('');
    const [only, setOnly] = useState<'all' | 'fired' | 'not'>('all');
    const [paused, setPaused] = useState(false);
    const [events, setEvents] = useState<TraceEvent[] | null>(null);
    const [skipped, setSkipped] = useState(0);
    const [open, setOpen] = useState<number | null>(null);
    const [more, setMore] = useState(true);
    const [timers, setTimers] = useState(false);
    const filter = { ...(rule ? { rule } : {}), ...(instance ? { instance } : {}) };
    const before = (number: number) => call<Trace>(`/api/trace?${new URLSearchParams({ ...filter, limit: '100', before: String(number) })}`, { idle: true });
    const held = useRef<{ instance: string; all: TraceEvent[] }>({ instance, all: [] });
    if (!paused) held.current = { instance, all: events ?? [] };
    useEffect(() => {
        if (paused) {
            // What is held is filtered, and what the host keeps from before then.
            const { all, instance: of } = held.current;
            if (of === instance) return setEvents(all);
            const here = all.filter((one) => !instance || one.trigger.startsWith(`${instance}/`));
            setEvents(here);
            let mine = true;
            before((all[0]?.number ?? Number.MAX_SAFE_INTEGER - 1) + 1).then(
                (one) => {
                    if (!mine) return;
                    setEvents([...new Map([...one.events, ...here].map((each) => [each.number, each])).values()].sort((left, right) => right.number - left.number));
                    setMore(one.events.length >= 100);
                },
                () => {},
            );
            return () => {
                mine = false;
            };
        }
        let waiting: TraceEvent[] = [];
        let timer = 0;
        const take = () => {
            timer = 0;
            const some = waiting;
            waiting = [];
            setEvents((known) => {
                const all = new Map((known ?? []).map((one) => [one.number, one]));
                for (const one of some) all.set(one.number, one);
                return [...all.values()].sort((left, right) => right.number - left.number).slice(0, most);
            });
        };
        const end = listen(
            'trace',
            filter,
            (state) => {
                waiting = [];
                setEvents(state.events);
                setSkipped(0);
                setMore(state.events.length >= 100);
            },
            (change) => {
                if (change.skipped) setSkipped((known) => known + change.skipped);
                waiting = [...waiting, ...change.events].slice(-most);
                timer ||= window.setTimeout(take, 250);
            },
        );
        return () => {
            window.clearTimeout(timer);
            end();
        };
    }, [rule, instance, paused]);
    const listens = rule !== undefined && events?.length && events.every((one) => one.trigger === 'host/every');
    const fits = (one: TraceEvent) => {
        if (!timers && !listens && one.trigger === 'host/every' && one.cause !== 'hand') return false;
        if (only === 'all') return true;
        const fired = (rule ? one.looks.filter((look) => look.rule === rule) : one.looks).some((look) => look.said === 'fired');
        return fired === (only === 'fired');
    };
    const silent = !listens && events?.some((one) => one.trigger === 'host/every');
    const shown = events?.filter(fits).slice(0, short ? 20 : most) ?? [];
    const older = () =>
        before(events?.at(-1)?.number ?? 0).then(
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
                {(silent || timers) && (
                    <label class="check">
                        <input type="checkbox" checked={timers} onChange={(event) => setTimers(event.currentTarget.checked)} /> Timers
                    </label>
                )}
                <Button icon={paused ? 'play' : 'pause'} aria-pressed={paused} onClick={() => setPaused(!paused)}>
                    {paused ? 'Go on' : 'Pause'}
                </Button>
            </div>
            <p class="help came">{skipped > 0 && `${skipped} events came faster than they could be shown here.`}</p>
            {events && !shown.length && <Empty>{events.length ? 'No event fits.' : `Nothing has happened yet that ${rule ? 'it listens to' : 'a rule listens to'}.`}</Empty>}
            <ol class="events">
                {shown.map((one) => (
                    <Event key={one.number} event={one} rule={rule} open={open === one.number} choose={setOpen} />
                ))}
            </ol>
            {!short && more && events !== null && events.length > 0 && <Button onClick={() => void older()}>Earlier</Button>}
        </section>
    );
}
