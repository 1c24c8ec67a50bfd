import { useState } from 'preact/hooks';
import { at, call, sentenceOf } from '../api';
import { listen } from '../channel';
import type { Replay, Rule, Trace, TraceEvent } from '../contract';
import { to } from '../router';
import { summaries } from '../store';
import { Ago, At, Button, Empty, memo, Note } from '../ui/basics';
import { Icon } from '../ui/icons';
import { useStream } from '../ui/stream';
import { inOneLine } from '../ui/values';
import { TriedView } from './tried';
import { actionInWords, split, triggerOf } from './words';

const deeds: Record<string, string> = { done: 'done', begun: 'begun', refused: 'refused', 'put-off': 'put off', 'given-up': 'given up', 'timed-out': 'timed out' };
const isTimer = (one: TraceEvent): boolean => one.trigger === 'host/every' && one.cause !== 'hand';

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
export function TraceView({ rule, short = false }: { rule?: Rule; short?: boolean }) {
    const [instance, setInstance] = useState('');
    const [only, setOnly] = useState<'all' | 'fired' | 'not'>('all');
    const [paused, setPaused] = useState(false);
    const [open, setOpen] = useState<number | null>(null);
    const [aimed, setAimed] = useState(false);
    const [more, setMore] = useState(true);
    const [timers, setTimers] = useState(false);
    const filter = { ...(rule ? { rule: rule.name } : {}), ...(instance ? { instance } : {}) };
    const before = (number: number) =>
        call<Trace>(`/api/trace?${new URLSearchParams({ ...filter, limit: '100', before: String(number) })}`, { idle: true }).then((one) => {
            setMore(one.events.length >= 100);
            return one.events.toReversed();
        });
    // Of a rule that a timer alone starts, timers are what there is to see.
    const timed = rule !== undefined && rule.on.every((one) => one.trigger === 'host/every');
    const shows = (one: TraceEvent) => {
        if (!timers && !timed && isTimer(one)) return false;
        if (only === 'all') return true;
        const fired = (rule ? one.looks.filter((look) => look.rule === rule.name) : one.looks).some((look) => look.said === 'fired');
        return fired === (only === 'fired');
    };
    const { entries, rows, loaded, skipped, coming, letCome, drawMore, putBefore } = useStream<TraceEvent>({
        key: JSON.stringify(filter),
        paused,
        hold: aimed || open !== null,
        begin: (full, add) =>
            listen(
                'trace',
                filter,
                (state) => {
                    setMore(state.events.length >= 100);
                    full(state.events.toReversed());
                },
                (change) => add(change.events, change.skipped),
            ),
        fits: (one) => !instance || one.trigger.startsWith(`${instance}/`),
        shows,
        before,
    });
    const silent = !timed && entries.some(isTimer);
    const shown = (short ? rows.slice(-20) : rows).toReversed();
    const older = () => before(entries[0]?.number ?? 0).then(putBefore, () => {});
    const nothing = entries.length
        ? 'No event fits.'
        : !rule
          ? 'Nothing has happened yet that a rule listens to.'
          : rule.report.lastLooked === undefined
            ? 'Nothing has happened yet that it listens to.'
            : [`None of the last 1,000 events was for this rule. It last looked at one `, <Ago at={rule.report.lastLooked} />, '.'];
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
            <p class="help came">
                {coming > 0 && (
                    <Button class="small" onClick={letCome}>
                        {coming === 1 ? '1 new event' : `${coming} new events`}
                    </Button>
                )}
                {skipped > 0 && `${skipped} events came faster than they could be shown here.`}
            </p>
            {loaded && !shown.length && <Empty>{nothing}</Empty>}
            <ol class="events" onPointerEnter={() => setAimed(true)} onPointerLeave={() => setAimed(false)}>
                {shown.map((one) => (
                    <Event key={one.number} event={one} rule={rule?.name} open={open === one.number} choose={setOpen} />
                ))}
            </ol>
            {!short && more && entries.length > 0 && <Button onClick={() => void (drawMore() || older())}>Earlier</Button>}
        </section>
    );
}
