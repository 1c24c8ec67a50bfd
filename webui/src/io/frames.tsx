import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { at, edit, sentenceOf } from '../api';
import { listen } from '../channel';
import type { Frame, Instance } from '../contract';
import { may } from '../store';
import { At, Button, Empty, Note, tell } from '../ui/basics';
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

export function useStream<T extends { number: number }>(begin: (full: (all: T[]) => void, more: (some: T[], skipped: number) => void) => () => void, key: string, paused: boolean, newest = most) {
    const [entries, setEntries] = useState<T[]>([]);
    const [skipped, setSkipped] = useState(0);
    useEffect(() => {
        if (paused) return;
        return begin(
            (all) => {
                setEntries(all);
                setSkipped(0);
            },
            (some, left) => {
                setEntries((before) => [...before, ...some].slice(-newest));
                if (left) setSkipped((before) => before + left);
            },
        );
    }, [key, paused]);
    return { entries, skipped, setEntries };
}

/** Keeps the end in view, unless somebody has scrolled up. */
export function useFollow(length: unknown) {
    const box = useRef<HTMLDivElement>(null);
    const follow = useRef(true);
    useEffect(() => {
        if (follow.current && box.current) box.current.scrollTop = box.current.scrollHeight;
    }, [length]);
    return {
        box,
        onScroll: () => {
            if (box.current) follow.current = box.current.scrollHeight - box.current.scrollTop - box.current.clientHeight < 40;
        },
    };
}

export function Frames({ instance }: { instance: Instance }) {
    const { name, revision } = instance.summary;
    const [paused, setPaused] = useState(false);
    const [search, setSearch] = useState('');
    const [way, setWay] = useState<'' | 'in' | 'out'>('');
    const [control, setControl] = useState(true);
    const [form, setForm] = useState<Form>('text');
    const [chosen, setChosen] = useState<number | null>(null);
    const { entries, skipped } = useStream<Frame>(
        (full, more) => listen('frames', { instance: name, ...(search ? { search } : {}), ...(way ? { way } : {}) }, (state) => full(state.frames), (change) => more(change.frames, change.skipped)),
        `${name} ${search} ${way}`,
        paused,
    );
    const frames = useMemo(() => (control ? entries : entries.filter((one) => !['ping', 'pong'].includes(one.opcode))), [entries, control]);
    const { box, onScroll } = useFollow(frames.at(-1)?.number);
    const written = instance.settings['log-comms'];
    const on = typeof written === 'string' && truthOf(written);
    const turn = () =>
        edit('PUT', at`/api/instances/${name}`, { settings: { ...instance.settings, 'log-comms': on ? 'false' : 'true' } }, revision).catch((why: unknown) => tell(sentenceOf(why), true));
    const save = () => {
        const url = URL.createObjectURL(new Blob([frames.map((one) => `${JSON.stringify(one)}\n`).join('')], { type: 'application/jsonl' }));
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
                    <Button kind="main" disabled={!may('configure')} onClick={() => void turn()}>
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
                    <Button disabled={!may('configure')} onClick={() => void turn()}>
                        Turn off
                    </Button>
                )}
            </div>
            {skipped > 0 && <p class="help">{skipped} frames came faster than they could be shown here. The log file has them.</p>}
            {frames.length === 0 ? (
                <Empty>{on ? 'No frame yet that fits.' : 'No frames.'}</Empty>
            ) : (
                <div class="rows" ref={box} onScroll={onScroll} tabIndex={0} role="region" aria-label="Frames, oldest first">
                    <ol>
                        {frames.map((one) => (
                            <li key={one.number} class={`${one.way} ${one.opcode}`}>
                                <button type="button" class="line" aria-expanded={chosen === one.number} onClick={() => setChosen(chosen === one.number ? null : one.number)}>
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
                                    <code>{payload(one, form === 'json' ? 'text' : form).slice(0, 300)}</code>
                                </button>
                                {chosen === one.number && (
                                    <pre tabIndex={0} aria-label="Payload">
                                        {payload(one, form)}
                                        {one.cut ? '\n… cut at 4 KiB' : ''}
                                    </pre>
                                )}
                            </li>
                        ))}
                    </ol>
                </div>
            )}
        </section>
    );
}
