import { useRef, useState } from 'preact/hooks';
import { call, edit, Refused, sentenceOf } from '../api';
import { now, span } from '../clock';
import type { Check, System } from '../contract';
import { may, useSystem } from '../store';
import { theme, type Theme } from '../theme';
import { At, Button, Loading, Note, tell } from '../ui/basics';
import { FormDialog, show } from '../ui/dialogs';
import { Icon } from '../ui/icons';
import { Access } from './access';
import { Files, Https, Secrets } from './keeping';

const size = (bytes: number): string => (bytes > 1048576 ? `${(bytes / 1048576).toFixed(1)} MB` : `${Math.round(bytes / 1024)} KB`);

const Fact = ({ label, children }: { label: string; children: preact.ComponentChildren }) => (
    <div>
        <dt>{label}</dt>
        <dd>{children}</dd>
    </div>
);

const withFile = <T,>(method: 'PUT', path: string, file: Blob, revision?: string): Promise<T> => call<T>(path, { method, body: file, type: 'application/xml', ...(revision ? { revision } : {}) });

/** What the check says of a file before anything is touched. */
function Upload({ file, revision, close }: { file: File; revision: string; close: () => void }) {
    const [judged, setJudged] = useState<Check | null>(null);
    const [problem, setProblem] = useState('');
    const begun = useRef(false);
    if (!begun.current) {
        begun.current = true;
        withFile<Check>('PUT', '/api/project?check=true', file).then(setJudged, (why: unknown) => setProblem(sentenceOf(why)));
    }
    const wrong = judged?.mistakes.filter((one) => !one.warning).length ?? 0;
    return (
        <FormDialog
            word="Replace the project"
            ready={judged?.ok ?? false}
            act={async () => {
                try {
                    await withFile('PUT', '/api/project', file, revision);
                } catch (why) {
                    if (why instanceof Refused && why.problem.mistakes) setJudged({ ok: false, mistakes: why.problem.mistakes });
                    throw why;
                }
                tell('The project was replaced.');
            }}
            close={close}
        >
            <p data-held>
                <code>{file.name}</code>, {size(file.size)}
            </p>
            {!judged && !problem && <Loading />}
            {judged?.ok && <Note kind="info">{judged.mistakes.length ? 'It can be used, with warnings.' : 'It can be used: no mistake was found.'} Instances that stay the same keep their connections, and secrets their values.</Note>}
            {wrong > 0 && <Note kind="error" title={`${wrong === 1 ? 'One mistake' : `${wrong} mistakes`}; nothing is changed.`} />}
            {judged && judged.mistakes.length > 0 && (
                <ul class="mistakes">
                    {judged.mistakes.map((one, i) => (
                        <li key={i} class={one.warning ? 'warn' : 'error'}>
                            {one.line !== undefined && (
                                <code>
                                    {one.line}:{one.column}
                                </code>
                            )}
                            {one.sentence}
                        </li>
                    ))}
                </ul>
            )}
            {problem && <Note kind="error">{problem}</Note>}
        </FormDialog>
    );
}

function Project({ system }: { system: System }) {
    const chooser = useRef<HTMLInputElement>(null);
    const { project } = system;
    return (
        <section class="card" aria-labelledby="project-title">
            <header>
                <h2 id="project-title">Project</h2>
                <span class="row wrap">
                    <a class="button" href="/api/project" download>
                        <Icon name="download" />
                        <span>Download</span>
                    </a>
                    {may('configure') && (
                        <>
                            <input
                                ref={chooser}
                                type="file"
                                accept=".xml,application/xml"
                                hidden
                                aria-label="Project file"
                                onChange={(event) => {
                                    const chosen = event.currentTarget.files?.[0];
                                    if (chosen) show('Replace the project', (close) => <Upload file={chosen} revision={project.revision} close={close} />, true);
                                    event.currentTarget.value = '';
                                }}
                            />
                            <Button icon="upload" onClick={() => chooser.current?.click()}>
                                Upload …
                            </Button>
                        </>
                    )}
                </span>
            </header>
            {project.onDisk !== 'same' && (
                <Note kind="warn" title={project.onDisk === 'changed' ? 'The file was changed on disk and is not loaded yet.' : project.onDisk === 'gone' ? 'The file is no longer there.' : 'The file was changed on disk and has mistakes; what runs is the one before.'}>
                    {project.mistakes?.map((one, i) => <p key={i}>{`${one.line ?? ''}:${one.column ?? ''} ${one.sentence}`}</p>)}
                    {project.onDisk === 'changed' && (
                        <Button kind="main" onClick={() => edit('POST', '/api/project/reload').then(() => tell('The file is loaded.'), (why: unknown) => tell(sentenceOf(why), true))}>
                            Load it
                        </Button>
                    )}
                </Note>
            )}
            <dl class="facts">
                <Fact label="Name">{project.name}</Fact>
                <Fact label="File">
                    <code>{project.file}</code>
                </Fact>
                <Fact label="Instances">{project.instances}</Fact>
                <Fact label="Rules">{project.rules}</Fact>
            </dl>
            <p class="help">A download has secrets by reference only; an upload keeps the values that are there.</p>
        </section>
    );
}

export function SystemTab() {
    const system = useSystem().value;
    if (!system) return <Loading />;
    const configure = may('configure');
    return (
        <div class="page">
            <header class="title">
                <h1>System</h1>
            </header>
            <div class="cards">
                <section class="card" aria-labelledby="controller-title">
                    <header>
                        <h2 id="controller-title">Controller</h2>
                        {configure && (
                            <a class="button" href="/api/support-bundle" download>
                                <Icon name="download" />
                                <span>Support bundle</span>
                            </a>
                        )}
                    </header>
                    <dl class="facts">
                        <Fact label="Version">
                            {system.version}
                            {system.build ? ` (${system.build})` : ''}
                        </Fact>
                        {system.machine && <Fact label="Machine">{system.machine}</Fact>}
                        <Fact label="Running for">
                            <span title={new Date(system.started).toLocaleString()}>{span(now.value - system.started)}</span>
                        </Fact>
                        <Fact label="Its clock">
                            <At at={now.value} /> <small>in the zone of this browser, {Intl.DateTimeFormat().resolvedOptions().timeZone}</small>
                        </Fact>
                        <Fact label="Memory">
                            {size(system.memory.resident)}, at most {size(system.memory.peak)}
                        </Fact>
                        <Fact label="Threads">{system.threads}</Fact>
                        <Fact label="Open files">{system.descriptors}</Fact>
                        <Fact label="Loop busy">
                            {(system.loop.busy * 100).toFixed(1)} %, longest turn {system.loop.longest.toFixed(1)} ms
                        </Fact>
                        <Fact label="Page served at">
                            <code>{system.web.address}</code>
                        </Fact>
                        <Fact label="Open pages">{system.web.viewers}</Fact>
                    </dl>
                    {system.log.dropped > 0 && <Note kind="warn">{system.log.dropped} log lines were dropped because they could not be written fast enough.</Note>}
                    {configure && <p class="help">The support bundle has project, log, trace and statuses for whoever is asked for help; secrets are taken out.</p>}
                </section>
                <Project system={system} />
                <Access />
                {configure && <Secrets />}
                {configure && <Files />}
                <Https />
                <section class="card" aria-labelledby="look-title">
                    <header>
                        <h2 id="look-title">Appearance</h2>
                    </header>
                    <div class="segments" role="radiogroup" aria-labelledby="look-title">
                        {(['auto', 'light', 'dark'] as Theme[]).map((one) => (
                            <label key={one}>
                                <input type="radio" name="theme" value={one} checked={theme.value === one} onChange={() => (theme.value = one)} />
                                <span>{one === 'auto' ? 'As the device' : one === 'light' ? 'Light' : 'Dark'}</span>
                            </label>
                        ))}
                    </div>
                    <p class="help">Kept in this browser only.</p>
                </section>
            </div>
        </div>
    );
}
