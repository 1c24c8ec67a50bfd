import { useState } from 'preact/hooks';
import { call } from '../api';
import { listen } from '../channel';
import type { Log, LogRecord } from '../contract';
import { to } from '../router';
import { summaries } from '../store';
import { At, Button, Empty, memo } from '../ui/basics';
import { Icon } from '../ui/icons';
import { useStream } from '../ui/stream';

type Level = LogRecord['level'];
const levels: [Level, string][] = [
    ['error', 'Errors'],
    ['warning', 'Warnings and errors'],
    ['info', 'Info and more serious'],
    ['debug', 'Debug and more serious'],
    ['frame', 'Everything'],
];

const Line = memo(({ one }: { one: LogRecord }) => (
    <li class={`logline ${one.level}`}>
        <At at={one.time} fine />
        <span class="level">{one.level}</span>
        {one.instance && (
            <a class="source" href={to('io', one.instance)}>
                {one.instance}
            </a>
        )}
        {one.rule && (
            <a class="source" href={to('rules', one.rule)}>
                {one.rule}
            </a>
        )}
        <span class="text">{one.text}</span>
    </li>
));

export function LogTab() {
    const [level, setLevel] = useState<Level>('debug');
    const [instance, setInstance] = useState('');
    const [search, setSearch] = useState('');
    const [paused, setPaused] = useState(false);
    const [more, setMore] = useState(true);
    const filter = { level, ...(instance ? { instance } : {}), ...(search ? { search } : {}) };
    const needle = search.toLowerCase();
    const worst = levels.findIndex(([one]) => one === level);
    const before = (number: number) => call<Log>(`/api/log?${new URLSearchParams({ ...filter, before: String(number), limit: '500' })}`, { idle: true });
    const { entries, rows, skipped, box, onScroll, drawMore, putBefore } = useStream<LogRecord>({
        key: JSON.stringify(filter),
        paused,
        newest: 2000,
        begin: (full, add) =>
            listen(
                'log',
                filter,
                (state) => {
                    setMore(state.more);
                    full(state.records);
                },
                (change) => add(change.records, change.skipped),
            ),
        fits: (one) => levels.findIndex(([each]) => each === one.level) <= worst && (!instance || one.instance === instance) && (!needle || one.text.toLowerCase().includes(needle)),
        before: (number) => before(number).then((one) => one.records),
    });
    const older = () =>
        before(entries[0]?.number ?? 0).then(
            (one) => {
                putBefore(one.records);
                setMore(one.more);
            },
            () => {},
        );
    return (
        <div class="page logpage">
            <header class="title">
                <h1>Log</h1>
                <a class="button" href="/api/log/download" download>
                    <Icon name="download" />
                    <span>Download</span>
                </a>
            </header>
            <div class="toolbar">
                <label class="search">
                    <Icon name="search" />
                    <input type="search" aria-label="Search in the log" placeholder="Search" value={search} onInput={(event) => setSearch(event.currentTarget.value)} />
                </label>
                <select aria-label="Level" value={level} onChange={(event) => setLevel(event.currentTarget.value as Level)}>
                    {levels.map(([one, label]) => (
                        <option key={one} value={one}>
                            {label}
                        </option>
                    ))}
                </select>
                <select aria-label="Instance" value={instance} onChange={(event) => setInstance(event.currentTarget.value)}>
                    <option value="">All instances</option>
                    {summaries.value.map((one) => (
                        <option key={one.name}>{one.name}</option>
                    ))}
                </select>
                <Button icon={paused ? 'play' : 'pause'} aria-pressed={paused} onClick={() => setPaused(!paused)}>
                    {paused ? 'Go on' : 'Pause'}
                </Button>
            </div>
            <p class="help came">{skipped > 0 && `${skipped} lines came faster than they could be shown here. The download has them.`}</p>
            {entries.length === 0 ? (
                <Empty>{search || instance || level !== 'debug' ? 'No line fits.' : 'No line yet.'}</Empty>
            ) : (
                <div class="rows" ref={box} onScroll={onScroll} tabIndex={0} role="log" aria-live="off" aria-label="Log, oldest first">
                    {(more || rows.length < entries.length) && (
                        <Button kind="bare" onClick={() => void (drawMore() || older())}>
                            Earlier lines
                        </Button>
                    )}
                    <ol>
                        {rows.map((one) => (
                            <Line key={one.number} one={one} />
                        ))}
                    </ol>
                </div>
            )}
        </div>
    );
}

