import { useEffect, useRef, useState } from 'preact/hooks';
import { clockTime, left } from '../clock';
import type { Instance, InstanceSummary, Module } from '../contract';
import { hasDraft } from '../drafts';
import { to } from '../router';
import { instances, may, moduleById, useInstance } from '../store';
import { Ago, Button, Empty, Loading, Menu, Since, untilThen } from '../ui/basics';
import { Icon } from '../ui/icons';
import { Glyph, layers, stateChoice, stateWord, toneOfInstance } from '../ui/state';
import { grouped } from '../ui/values';
import { Actions } from './actions';
import { copyAsText, duplicate, remove, rename } from './deeds';
import { Frames } from './frames';
import { Overview } from './overview';
import { Settings } from './settings';
import { ConnectionTest } from './test';

function Retry({ at, since }: { at: number; since: number }) {
    const wait = untilThen(at);
    return (
        <p class="retry">
            {wait > 0 ? (
                <>
                    Next attempt in <b>{left(wait)}</b>
                    <meter min={0} max={Math.max(1, at - since)} value={wait} aria-hidden="true" />
                </>
            ) : (
                'Next attempt now.'
            )}
        </p>
    );
}

/** What it fails with, again and again; or, where somebody has stopped it since, what it failed with last. */
function LastError({ summary }: { summary: InstanceSummary }) {
    const { lastErrorAt: last, lastErrorSince: first } = summary;
    const over = summary.state === 'stopped' && summary.wanted === 'disconnected';
    const retries = summary.nextRetryAt !== undefined;
    return (
        <div class={`lasterror ${over ? 'over' : ''}`} {...(over ? {} : { role: 'alert' as const })}>
            <p class="layer">
                <Icon name="error" />
                {over && 'Last error: '}
                {summary.phase === 'broken' ? 'Module failed' : (layers[summary.lastErrorLayer ?? ''] ?? summary.lastErrorLayer)}
                {summary.lastErrorCode && <code>{summary.lastErrorCode}</code>}
                {last !== undefined && (
                    <small aria-live="off">
                        {over ? clockTime(last) : <>last <Ago at={last} /></>}
                        {retries && first !== undefined && last - first >= 1000 && (
                            <>
                                , for <Since at={first} />
                            </>
                        )}
                        {retries && (summary.attempt ?? 0) > 1 && `, ${grouped(summary.attempt ?? 0)} attempts`}
                    </small>
                )}
            </p>
            <p>{summary.lastError}</p>
        </div>
    );
}

function Head({ instance, summary, module }: { instance: Instance; summary: InstanceSummary; module: Module }) {
    const tone = toneOfInstance(summary);
    const word = stateWord(module, summary);
    const told = summary.phaseSentence === summary.lastError ? undefined : summary.phaseSentence;
    const help = told ?? stateChoice(module, summary.state)?.help ?? '';
    const settings = module.groups.flatMap((one) => one.settings);
    return (
        <section class={`now ${tone}`} aria-label="Now">
            <div class="what">
                <Glyph tone={tone} />
                <div>
                    <p class="word" aria-live="polite">
                        {word}
                    </p>
                    <p>
                        {help} {summary.since !== null && <small class="since">since {clockTime(summary.since)}, <Ago at={summary.since} /></small>}
                    </p>
                    {summary.nextRetryAt !== undefined && <Retry at={summary.nextRetryAt} since={summary.since ?? summary.nextRetryAt} />}
                    {summary.state === 'stopped' && summary.wanted === 'disconnected' && <p class="help">It was asked to stay disconnected, and does until Connect.</p>}
                </div>
            </div>
            {summary.lastError && <LastError summary={summary} />}
            {(summary.badges?.length || instance.warnings.length > 0) && (
                <div class="badges">
                    {summary.badges?.map((id) => (
                        <a key={id} class="chip" href={to('io', summary.name, 'settings')} title="It costs processor time; turn it off when you are done">
                            {settings.find((one) => one.id === id)?.label ?? id} is on
                        </a>
                    ))}
                    {instance.warnings.map((one) => (
                        <a key={one.sentence} class="chip warn" href={to('io', summary.name, 'settings')}>
                            <Icon name="warn" />
                            <span class="sentence">{one.sentence}</span>
                        </a>
                    ))}
                </div>
            )}
        </section>
    );
}

const views = [
    ['', 'Overview'],
    ['settings', 'Settings'],
    ['frames', 'Frames'],
] as const;

export function InstancePage({ name, view }: { name: string; view: string }) {
    const instance = useInstance(name).value;
    const [testing, setTesting] = useState(false);
    const tester = useRef<HTMLElement | null>(null);
    const title = useRef<HTMLHeadingElement>(null);
    useEffect(() => {
        setTesting(false);
        // On a phone the list has gone: the reading goes on at the heading.
        title.current?.focus({ preventScroll: true });
    }, [name, instance === undefined]);
    if (instance === undefined) return <Loading />;
    if (instance === null)
        return (
            <Empty>
                <p>There is no instance “{name}” (any more).</p>
                <a class="button" href={to('io')}>
                    All instances
                </a>
            </Empty>
        );
    // The list's line is the livelier one; what is edited goes by the instance's own revision.
    const summary = { ...(instances.value[name] ?? instance.summary), revision: instance.summary.revision };
    const module = moduleById(summary.module);
    if (!module) return <Loading />;
    const shown = views.filter(([id]) => id !== 'frames' || module.groups.some((one) => one.settings.some((each) => each.id === 'log-comms')));
    const configure = may('configure');
    return (
        <article class={`detail ${view ? `${view}-view` : ''}`}>
            <header class="title">
                <a class="back button square bare" href={to('io')} aria-label="All instances">
                    <Icon name="back" />
                </a>
                <div>
                    <h1 ref={title} tabIndex={-1}>
                        {name}
                    </h1>
                    <p>
                        {module.label}
                        {summary.address && <code>{summary.address}</code>}
                    </p>
                </div>
                <Menu
                    label={`More about ${name}`}
                    items={[
                        { label: 'Copy as text', icon: 'copy', act: () => void copyAsText(summary) },
                        ...(configure
                            ? ([
                                  { label: 'Rename …', icon: 'insert', act: () => rename(summary) },
                                  { label: 'Duplicate …', icon: 'add', act: () => duplicate(summary) },
                                  { label: 'Remove …', icon: 'trash', danger: true, act: () => remove(summary, instance.usedBy) },
                              ] as const)
                            : []),
                    ]}
                />
            </header>
            <Head instance={instance} summary={summary} module={module} />
            <Actions instance={name} module={module}>
                {module.testable && (
                    <Button icon="test" disabled={!may('operate')} aria-expanded={testing} onClick={(event) => {
                        tester.current = event.currentTarget;
                        setTesting(!testing);
                    }}>
                        Test connection
                    </Button>
                )}
            </Actions>
            {testing && (
                <ConnectionTest
                    instance={name}
                    close={() => {
                        setTesting(false);
                        tester.current?.focus();
                    }}
                />
            )}
            <nav class="views" aria-label={`Views of ${name}`}>
                {shown.map(([id, label]) => (
                    <a key={id} href={to('io', name, ...(id ? [id] : []))} aria-current={view === id ? 'page' : undefined}>
                        {label}
                        {id === 'settings' && hasDraft(`instance:${name}`) && <span class="mark">unsaved</span>}
                    </a>
                ))}
            </nav>
            {view === 'settings' ? <Settings key={name} instance={instance} module={module} /> : view === 'frames' ? <Frames key={name} instance={instance} /> : <Overview instance={instance} module={module} />}
        </article>
    );
}
