import { useEffect, useState } from 'preact/hooks';
import { at, check, edit, sentenceOf, text } from '../api';
import type { Check, InstanceSummary, Mistake } from '../contract';
import { carryDraft, dropDraft } from '../drafts';
import { go, to as linkTo } from '../router';
import { modules, summaries } from '../store';
import { Note, tell } from '../ui/basics';
import { confirm, copyText, FormDialog, show } from '../ui/dialogs';
import { neighbourOf } from '../ui/focus';
import { Sentences } from '../ui/sentences';
import { PasteTable } from './table';

/** A dialog with one name in it, checked while it is typed. */
export function NameForm({ label, value, word, judge, act, close, hint }: { label: string; value: string; word: string; judge?: (name: string, signal: AbortSignal) => Promise<Check>; act: (name: string) => Promise<void>; close: () => void; hint?: (judged: Check | null) => string }) {
    const [name, setName] = useState(value);
    const [judged, setJudged] = useState<Check | null>(null);
    useEffect(() => {
        setJudged(null);
        if (!judge || name === '') return;
        const mine = new AbortController();
        const timer = setTimeout(() => judge(name, mine.signal).then(setJudged, () => {}), 150);
        return () => {
            clearTimeout(timer);
            mine.abort();
        };
    }, [name]);
    const mistakes: Mistake[] = judged?.mistakes ?? [];
    return (
        <FormDialog word={word} ready={name !== '' && mistakes.every((one) => one.warning)} act={() => act(name)} close={close}>
            <div class="field">
                <label for="new-name">{label}</label>
                <input id="new-name" autofocus autocapitalize="none" spellcheck={false} aria-describedby="new-name-wrong" aria-invalid={mistakes.length > 0} value={name} onInput={(event) => setName(event.currentTarget.value)} />
                <Sentences id="new-name-wrong" mistakes={mistakes} />
                {hint && <p class="help">{hint(judged)}</p>}
            </div>
        </FormDialog>
    );
}

const follow = (rules: string[] | undefined): string => (rules?.length ? `${rules.length === 1 ? 'One rule follows' : `${rules.length} rules follow`}: ${rules.join(', ')}.` : 'Rules that speak of it follow.');

export const rename = ({ name, revision }: InstanceSummary): void =>
    show(`Rename ${name}`, (close) => (
        <NameForm
            label="New name"
            value={name}
            word="Rename"
            close={close}
            judge={(to, signal) => check('POST', at`/api/instances/${name}/rename`, { name: to }, signal)}
            hint={(judged) => follow(judged?.rules)}
            act={async (to) => {
                const done = await edit('POST', at`/api/instances/${name}/rename`, { name: to }, revision);
                carryDraft(`instance:${name}`, { from: revision, revision: done.revision, key: `instance:${to}` });
                tell(done.rules?.length ? `Renamed; ${done.rules.length === 1 ? 'one rule' : `${done.rules.length} rules`} changed along.` : 'Renamed.');
                go('io', to);
            }}
        />
    ));

function freeName(name: string): string {
    const taken = new Set(summaries.value.map((one) => one.name));
    const [, stem = name, number = '1'] = /^(.*?)-?(\d+)?$/.exec(name) ?? [];
    for (let i = Number(number) + 1; ; ++i) if (!taken.has(`${stem}-${i}`)) return `${stem}-${i}`;
}

export const duplicate = ({ name }: InstanceSummary): void =>
    show(`Duplicate ${name}`, (close) => (
        <NameForm
            label="Name of the copy"
            value={freeName(name)}
            word="Duplicate"
            close={close}
            judge={(to, signal) => check('POST', at`/api/instances/${name}/duplicate`, { name: to }, signal)}
            act={async (to) => {
                await edit('POST', at`/api/instances/${name}/duplicate`, { name: to });
                tell(`${to} was added.`);
                go('io', to, 'settings');
            }}
        />
    ));

export const copyAsText = async ({ name }: InstanceSummary): Promise<void> => {
    try {
        await copyText(await text(at`/api/instances/${name}/text`), `${name} as text`);
    } catch (why) {
        tell(sentenceOf(why), true);
    }
};

export const remove = ({ name, revision }: InstanceSummary, users: string[]): void =>
    confirm(
        `Remove ${name}?`,
        <>
            <p>Its connection is closed in order, and its settings are taken out of the project.</p>
            {users.length > 0 && (
                <Note kind="warn" title={users.length === 1 ? 'One rule speaks of it and is removed too:' : `${users.length} rules speak of it and are removed too:`}>
                    <ul>
                        {users.map((one) => (
                            <li key={one}>{one}</li>
                        ))}
                    </ul>
                </Note>
            )}
        </>,
        users.length ? 'Remove all of it' : 'Remove',
        async () => {
            const onwards = neighbourOf(linkTo('io', name));
            await edit('DELETE', at`/api/instances/${name}` + (users.length ? '?withRules=true' : ''), undefined, revision);
            dropDraft(`instance:${name}`);
            tell(`${name} was removed.`);
            go('io');
            onwards();
        },
    );

function PasteInstance({ close }: { close: () => void }) {
    const [pasted, setPasted] = useState('');
    const [name, setName] = useState('');
    const [judged, setJudged] = useState<Check | null>(null);
    const [problem, setProblem] = useState('');
    const body = { text: pasted, ...(name ? { name } : {}) };
    const key = JSON.stringify(body);
    useEffect(() => {
        setProblem('');
        setJudged(null);
        if (!pasted.trim()) return;
        const mine = new AbortController();
        const timer = setTimeout(() => check('POST', '/api/instances', body, mine.signal).then(setJudged, (why: unknown) => mine.signal.aborted || setProblem(sentenceOf(why))), 150);
        return () => {
            clearTimeout(timer);
            mine.abort();
        };
    }, [key]);
    const written = /<instance[^>]*\bname="([^"]*)"/.exec(pasted)?.[1] ?? '';
    return (
        <FormDialog
            word="Add"
            ready={judged?.ok ?? false}
            act={async () => {
                const done = await edit('POST', '/api/instances', body);
                tell(`${done.name ?? 'It'} was added.`);
                go('io', done.name ?? '');
            }}
            close={close}
        >
            <p class="help">Paste what Copy as text gave, here or on another controller. Secrets are not in it: set them afterwards.</p>
            <textarea class="code" rows={9} autofocus aria-label="Instance as text" spellcheck={false} value={pasted} onInput={(event) => setPasted(event.currentTarget.value)} />
            <label class="inline">
                Name
                <input placeholder={written} autocapitalize="none" spellcheck={false} value={name} onInput={(event) => setName(event.currentTarget.value)} />
            </label>
            <Sentences id="pasted-wrong" mistakes={judged?.mistakes ?? []} />
            {problem && <Note kind="error">{problem}</Note>}
        </FormDialog>
    );
}

export const addItems = () => [
    ...modules.value
        .filter((one) => one.groups.length && !one.problem)
        .map((one) => ({ label: `New ${one.label}`, icon: 'add' as const, act: () => go('io', '+', one.id) })),
    { label: 'Paste an instance …', icon: 'copy' as const, act: () => show('Paste an instance', (close) => <PasteInstance close={close} />) },
    { label: 'Paste a table …', icon: 'log' as const, act: () => show('Paste a table', (close) => <PasteTable close={close} />, true) },
];
