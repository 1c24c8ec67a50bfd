import { useState } from 'preact/hooks';
import { call } from '../api';
import { listen } from '../channel';
import type { Log, LogRecord } from '../contract';
import { useFollow, useStream } from '../io/frames';
import { to } from '../router';
import { summaries } from '../store';
import { At, Button, Empty } from '../ui/basics';
import { Icon } from '../ui/icons';

type Level = LogRecord['level'];
const levels: [Level, string][] = [
    ['error', 'Errors'],
    ['warning', 'Warnings and worse'],
    ['info', 'Info and worse'],
    ['debug', 'Debug and worse'],
    ['frame', 'Everything'],
];

export function LogTab() {
    const [level, setLevel] = useState<Level>('debug');
    const [instance, setInstance] = useState('');
    const [search, setSearch] = useState('');
    const [paused, setPaused] = useState(false);
    const [more, setMore] = useState(true);
    const filter = { level, ...(instance ? { instance } : {}), ...(search ? { search } : {}) };
    const { entries, skipped, setEntries } = useStream<LogRecord>(
        (full, add) =>
            listen(
                'log',
                filter,
                (state) => {
                    setMore(state.more);
                    full(state.records);
                },
                (change) => add(change.records, change.skipped),
            ),
        JSON.stringify(filter),
        paused,
        2000,
    );
    const { box, onScroll } = useFollow(entries.at(-1)?.number);
    const older = () =>
        call<Log>(`/api/log?${new URLSearchParams({ ...filter, before: String(entries[0]?.number ?? 0), limit: '500' })}`).then(
            (one) => {
                setEntries((before) => [...one.records, ...before]);
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
            {skipped > 0 && <p class="help">{skipped} lines came faster than they could be shown here. The download has them.</p>}
            {entries.length === 0 ? (
                <Empty>{search || instance || level !== 'debug' ? 'No line fits.' : 'No line yet.'}</Empty>
            ) : (
                <div class="rows" ref={box} onScroll={onScroll} tabIndex={0} role="log" aria-live="off" aria-label="Log, oldest first">
                    {more && (
                        <Button kind="bare" onClick={() => void older()}>
                            Earlier lines
                        </Button>
                    )}
                    <ol>
                        {entries.map((one) => (
                            <li key={one.number} class={`logline ${one.level}`}>
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
                        ))}
                    </ol>
                </div>
            )}
        </div>
    );
}

