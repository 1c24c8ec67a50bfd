import { useState } from 'preact/hooks';
import { at, call, edit, sentenceOf } from '../api';
import { listen } from '../channel';
import type { Frame, Frames as FramePage, Instance, Values } from '../contract';
import { carryDraft, whileSaving } from '../drafts';
import { may } from '../store';
import { At, Button, Empty, memo, Note, tell } from '../ui/basics';
import { Icon } from '../ui/icons';
import { useStream } from '../ui/stream';
import { truthOf } from '../ui/values';

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
    const [more, setMore] = useState(true);
    const before = (number: number) => call<FramePage>(`${at`/api/frames?instance=${name}`}&before=${number}&limit=500`, { idle: true });
    const fits = (one: Frame) => (!way || one.way === way) && (!needle || one.payload.toLowerCase().includes(needle));
    const shows = (one: Frame) => control || !['ping', 'pong'].includes(one.opcode);
    const { entries, shown, rows, skipped, box, onScroll, drawMore, putBefore } = useStream<Frame>({
        key: `${name} ${search} ${way}`,
        paused,
        begin: (full, add) =>
            listen(
                'frames',
                { instance: name, ...(search ? { search } : {}), ...(way ? { way } : {}) },
                (state) => {
                    setMore(state.more);
                    full(state.frames);
                },
                (change) => add(change.frames, change.skipped),
            ),
        fits,
        shows,
        before: (number) => before(number).then((one) => one.frames),
    });
    // The host gives them by number alone; where none of a page fits, the one before it is asked for.
    const older = async () => {
        let first = entries[0]?.number ?? Number.MAX_SAFE_INTEGER;
        for (let page = 0; page < 5; ++page) {
            const one = await before(first).catch(() => ({ frames: [], more: true }));
            const fitting = one.frames.filter(fits);
            putBefore(fitting);
            setMore(one.more);
            if (fitting.some(shows) || !one.more || !one.frames[0]) return;
            first = one.frames[0].number;
        }
    };
    const earlier = (rows.length < shown.length || (more && (entries.length > 0 || search !== '' || way !== ''))) && (
        <Button kind="bare" onClick={() => void (drawMore() || older())}>
            Earlier frames
        </Button>
    );
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
        const url = URL.createObjectURL(new Blob([shown.map((one) => `${JSON.stringify(one)}\n`).join('')], { type: 'application/jsonl' }));
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
                <Button icon="download" disabled={shown.length === 0} onClick={save}>
                    Export
                </Button>
                {on && (
                    <Button busy={turned === revision} disabled={!may('configure')} onClick={() => void turn()}>
                        Turn off
                    </Button>
                )}
            </div>
            <p class="help came">{skipped > 0 && `${skipped} frames came faster than they could be shown here. The log file has them.`}</p>
            {rows.length === 0 ? (
                <Empty>
                    <p>{on || entries.length > 0 ? 'No frame that fits.' : 'No frames.'}</p>
                    {earlier}
                </Empty>
            ) : (
                <div class="rows" ref={box} onScroll={onScroll} tabIndex={0} role="region" aria-label="Frames, oldest first">
                    {earlier}
                    <ol>
                        {rows.map((one) => (
                            <Row key={one.number} one={one} form={form} open={chosen === one.number} choose={setChosen} />
                        ))}
                    </ol>
                </div>
            )}
        </section>
    );
}
