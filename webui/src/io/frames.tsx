import { useEffect, useRef, useState } from 'preact/hooks';
import { at, call, edit, sentenceOf } from '../api';
import { listen } from '../channel';
import type { Frame, Frames as FramePage, Instance, Values } from '../contract';
import { carryDraft, whileSaving } from '../drafts';
import { may } from '../store';
import { At, Button, Empty, memo, Note, tell } from '../ui/basics';
import { Icon } from '../ui/icons';
import { truthOf } from '../ui/values';

const most = 1000;
type Form = 'text' | 'json' | 'hex';

const bytesOf = (hex: string): string => hex.replace(/../g, (pair) => `${pair} `).trim();
const hexOf = (text: string): string => [...new TextEncoder().encode(text)].map((one) => one.toString(16).padStart(2, '0')).join(' ');

function payload(frame: Frame, form: Form): string {
    if (form === 'hex') return frame.hex ? bytesOf(frame.payload) : hexOf(frame.payload);
    if (frame.hex) return bytesOf(frame.payload);
    if (form === 'json') {
        try {
            return JSON.stringify(JSON.parse(frame.payload), null, 2);
        } catch {
            return frame.payload;
        }
    }
    return frame.payload;
}

type Stream<T> = {
    /** What is wanted; another one is asked for anew. */
    key: string;
    paused: boolean;
    newest?: number;
    begin: (full: (all: T[]) => void, more: (some: T[], skipped: number) => void) => () => void;
    /** What `key` stands for, for what is here already. */
    fits: (one: T) => boolean;
    /** What came before that number, as the host keeps it. */
    before: (number: number) => Promise<T[]>;
};

/** In ms: however much comes, the page is drawn so often at most, and stays where people can click. */
const pace = 250;
const step = 200;

/** Entries that come by themselves; only the newest are drawn until more is asked for. */
export function useStream<T extends { number: number }>({ key, paused, newest = most, begin, fits, before }: Stream<T>) {
    const [entries, setEntries] = useState<T[]>([]);
    const [skipped, setSkipped] = useState(0);
    const [drawn, setDrawn] = useState(step);
    const box = useRef<HTMLDivElement>(null);
    /** At the end, and to be kept there; who has scrolled up reads, and nothing moves. */
    const following = useRef(true);
    const waiting = useRef<{ some: T[]; skipped: number; at: number; timer: number }>({ some: [], skipped: 0, at: 0, timer: 0 }).current;
    const held = useRef<{ key: string; all: T[] }>({ key, all: [] });

    const take = () => {
        window.clearTimeout(waiting.timer);
        waiting.timer = 0;
        if (!following.current || (!waiting.some.length && !waiting.skipped)) return;
        const { some, skipped: left } = waiting;
        Object.assign(waiting, { some: [], skipped: 0, at: Date.now() });
        setEntries((known) => [...known, ...some].slice(-newest));
        if (left) setSkipped((known) => known + left);
    };
    useEffect(() => {
        if (paused) return;
        following.current = true;
        const end = begin(
            (all) => {
                Object.assign(waiting, { some: [], skipped: 0 });
                setEntries(all);
                setSkipped(0);
                setDrawn(step);
            },
            (some, left) => {
                waiting.some.push(...some);
                const over = waiting.some.length - newest;
                if (over > 0) waiting.skipped += waiting.some.splice(0, over).length;
                waiting.skipped += left;
                waiting.timer ||= window.setTimeout(take, Math.max(0, waiting.at + pace - Date.now()));
            },
        );
        return () => {
            window.clearTimeout(waiting.timer);
            Object.assign(waiting, { some: [], skipped: 0, timer: 0 });
            end();
        };
    }, [key, paused]);

    // Paused, what is held is what is searched, and what the host keeps from before then.
    if (!paused) held.current = { key, all: entries };
    useEffect(() => {
        if (!paused) return;
        const { key: of, all } = held.current;
        if (of === key) return setEntries(all);
        let mine = true;
        const here = all.filter(fits);
        setEntries(here);
        before((all.at(-1)?.number ?? Number.MAX_SAFE_INTEGER - 1) + 1).then(
            (kept) => {
                if (!mine) return;
                const known = new Set(here.map((one) => one.number));
                setEntries([...kept.filter((one) => fits(one) && !known.has(one.number)), ...here].sort((left, right) => left.number - right.number));
            },
            () => {},
        );
        return () => {
            mine = false;
        };
    }, [key, paused]);

    const rows = entries.slice(-drawn);
    const last = rows.at(-1)?.number;
    useEffect(() => {
        if (following.current && box.current) box.current.scrollTop = box.current.scrollHeight;
    }, [last]);
    return {
        entries,
        rows,
        skipped,
        box,
        /** More of what is here is drawn; false where there is no more. */
        drawMore: () => {
            if (drawn >= entries.length) return false;
            setDrawn(drawn + step);
            return true;
        },
        putBefore: (some: T[]) => {
            setDrawn(drawn + some.length);
            setEntries((known) => [...some, ...known]);
        },
        onScroll: () => {
            if (!box.current) return;
            following.current = box.current.scrollHeight - box.current.scrollTop - box.current.clientHeight < 40;
            if (following.current && !paused) take();
        },
    };
}

const Row = memo(({ one, form, open, choose }: { one: Frame; form: Form; open: boolean; choose: (number: number | null) => void }) => (
    <li class={`${one.way} ${one.opcode}`}>
        <button type="button" class="line" aria-expanded={open} onClick={() => choose(open ? null : one.number)}>
            <At at={one.time} fine />
            <span class="way">
                <Icon name={one.way === 'in' ? 'down' : 'up'} />
                <span class="unseen">{one.way === 'in' ? 'received' : 'sent'}</span>
            </span>
            <span class="kind">
                {one.opcode}
                {one.fin ? '' : ' …'}
            </span>
            <span class="size">{one.length} B</span>
            <code>{payload({ ...one, payload: one.payload.slice(0, 300) }, form === 'json' ? 'text' : form).slice(0, 300)}</code>
        </button>
        {open && (
            <pre tabIndex={0} aria-label="Payload">
                {payload(one, form)}
                {one.cut ? '\n… cut at 4 KiB' : ''}
            </pre>
        )}
    </li>
));

export function Frames({ instance }: { instance: Instance }) {
    const { name, revision } = instance.summary;
    const [paused, setPaused] = useState(false);
    const [search, setSearch] = useState('');
    const [way, setWay] = useState<'' | 'in' | 'out'>('');
    const [control, setControl] = useState(true);
    const [form, setForm] = useState<Form>('text');
    const [chosen, setChosen] = useState<number | null>(null);
    const needle = search.toLowerCase();
    const { entries, rows, skipped, box, onScroll, drawMore } = useStream<Frame>({
        key: `${name} ${search} ${way}`,
        paused,
        begin: (full, more) => listen('frames', { instance: name, ...(search ? { search } : {}), ...(way ? { way } : {}) }, (state) => full(state.frames), (change) => more(change.frames, change.skipped)),
        fits: (one) => (!way || one.way === way) && (!needle || one.payload.toLowerCase().includes(needle)),
        before: (number) => call<FramePage>(`${at`/api/frames?instance=${name}`}&before=${number}&limit=500`, { idle: true }).then((one) => one.frames),
    });
    const wanted = (one: Frame) => control || !['ping', 'pong'].includes(one.opcode);
    const frames = rows.filter(wanted);
    const written = instance.settings['log-comms'];
    const on = typeof written === 'string' && truthOf(written);
    // Until the page is told of what it has made itself, a second press would mean the same.
    const [turned, setTurned] = useState('');
    const turn = async () => {
        const settings: Values = { ...instance.settings, 'log-comms': on ? 'false' : 'true' };
        const key = `instance:${name}`;
        setTurned(revision);
        try {
            await whileSaving(key, async () => {
                const done = await edit('PUT', at`/api/instances/${name}`, { settings }, revision);
                carryDraft<Values>(key, { from: revision, revision: done.revision, saved: settings });
            });
        } catch (why) {
            setTurned('');
            tell(sentenceOf(why), true);
        }
    };
    const save = () => {
        const url = URL.createObjectURL(new Blob([entries.filter(wanted).map((one) => `${JSON.stringify(one)}\n`).join('')], { type: 'application/jsonl' }));
        const link = document.createElement('a');
        link.href = url;
        link.download = `${name}-frames.jsonl`;
        link.click();
        setTimeout(() => URL.revokeObjectURL(url), 1000);
    };
    return (
        <section class="frames" aria-label="Frames">
            {!on && (
                <Note kind="info" title="Log Comms is off, so no frames are recorded.">
                    <p>Turned on, it applies at once and costs some processor time; turn it off again when you are done.</p>
                    <Button kind="main" busy={turned === revision} disabled={!may('configure')} onClick={() => void turn()}>
                        Turn Log Comms on
                    </Button>
                </Note>
            )}
            <div class="toolbar">
                <label class="search">
                    <Icon name="search" />
                    <input type="search" aria-label="Search in payloads" placeholder="Search" value={search} onInput={(event) => setSearch(event.currentTarget.value)} />
                </label>
                <select aria-label="Direction" value={way} onChange={(event) => setWay(event.currentTarget.value as '' | 'in' | 'out')}>
                    <option value="">Both ways</option>
                    <option value="in">Received</option>
                    <option value="out">Sent</option>
                </select>
                <select aria-label="Payload as" value={form} onChange={(event) => setForm(event.currentTarget.value as Form)}>
                    <option value="text">Text</option>
                    <option value="json">JSON</option>
                    <option value="hex">Hex</option>
                </select>
                <label class="check">
                    <input type="checkbox" checked={control} onChange={(event) => setControl(event.currentTarget.checked)} /> Pings
                </label>
                <Button icon={paused ? 'play' : 'pause'} aria-pressed={paused} onClick={() => setPaused(!paused)}>
                    {paused ? 'Go on' : 'Pause'}
                </Button>
                <Button icon="download" disabled={frames.length === 0} onClick={save}>
                    Export
                </Button>
                {on && (
                    <Button busy={turned === revision} disabled={!may('configure')} onClick={() => void turn()}>
                        Turn off
                    </Button>
                )}
            </div>
            <p class="help came">{skipped > 0 && `${skipped} frames came faster than they could be shown here. The log file has them.`}</p>
            {frames.length === 0 ? (
                <Empty>{on ? 'No frame yet that fits.' : 'No frames.'}</Empty>
            ) : (
                <div class="rows" ref={box} onScroll={onScroll} tabIndex={0} role="region" aria-label="Frames, oldest first">
                    {rows.length < entries.length && (
                        <Button kind="bare" onClick={() => void drawMore()}>
                            Earlier frames
                        </Button>
                    )}
                    <ol>
                        {frames.map((one) => (
                            <Row key={one.number} one={one} form={form} open={chosen === one.number} choose={setChosen} />
                        ))}
                    </ol>
                </div>
            )}
        </section>
    );
}
