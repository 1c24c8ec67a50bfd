import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Refused, sentenceOf } from '../api';
import { line } from '../channel';
import type { Check, Mistake } from '../contract';
import { draftOf, dropDraft, keepDraft, same } from '../drafts';
import { Button, Note, tell } from './basics';

export type Editor<T> = {
    value: T;
    base: T;
    revision: string;
    dirty: boolean;
    /** Somebody else has changed it since this draft began. */
    overtaken: boolean;
    check: Check | null;
    mistakes: Mistake[];
    problem: string;
    busy: boolean;
    put: (value: T) => void;
    revert: () => void;
    /** Goes on from what the other one saved. */
    rebase: (value: T) => void;
    save: () => Promise<boolean>;
};

type Task<T> = {
    key: string;
    saved: T;
    revision: string;
    /** A new thing: checked and saved although nothing differs from what the form began with. */
    fresh?: boolean;
    /** The value without the secrets in it, as a browser may keep it. */
    bare?: (value: T) => T;
    check: (value: T, signal: AbortSignal) => Promise<Check>;
    save: (value: T, revision: string) => Promise<void>;
};

/** What every form that edits the project has in common: draft, check while typing, save, revert, conflict. */
export function useEditor<T>({ key, saved, revision, fresh = false, bare, check: judge, save }: Task<T>): Editor<T> {
    const draft = draftOf<T>(key);
    const dirty = draft !== undefined && !same(draft.base, draft.value);
    const value = dirty ? draft.value : saved;
    const base = dirty ? draft.base : saved;
    const baseRevision = dirty ? draft.revision : revision;
    const [check, setCheck] = useState<Check | null>(null);
    const [problem, setProblem] = useState('');
    const [busy, setBusy] = useState(false);
    const running = useRef<AbortController | null>(null);
    const text = JSON.stringify(value);

    useEffect(() => {
        setProblem('');
        if (!dirty && !fresh) {
            setCheck(null);
            return;
        }
        const timer = setTimeout(() => {
            running.current?.abort();
            const mine = new AbortController();
            running.current = mine;
            judge(value, mine.signal).then(setCheck, (why: unknown) => {
                if (why instanceof Refused && why.status !== 0) setProblem(why.message);
            });
        }, 150);
        return () => {
            clearTimeout(timer);
            running.current?.abort();
        };
    }, [key, text, dirty, fresh, line.value.state === 'open']);

    return {
        value,
        base,
        revision: baseRevision,
        dirty,
        overtaken: dirty && !fresh && draft.revision !== revision,
        check,
        mistakes: check?.mistakes ?? [],
        problem,
        busy,
        put: (next) => keepDraft(key, { base, revision: baseRevision, value: next }, bare),
        revert: () => dropDraft(key),
        rebase: (next) => keepDraft(key, { base: saved, revision, value: next }, bare),
        save: async () => {
            setBusy(true);
            setProblem('');
            try {
                await save(value, baseRevision);
                dropDraft(key);
                return true;
            } catch (why) {
                if (why instanceof Refused) {
                    const { mistakes = [], needsSecrets } = why.problem;
                    if (mistakes.length || needsSecrets) setCheck({ ok: false, mistakes, ...(needsSecrets ? { needsSecrets } : {}) });
                }
                setProblem(sentenceOf(why));
                return false;
            } finally {
                setBusy(false);
            }
        },
    };
}

/** Stands at the foot of a form while there is something to save. */
export function SaveBar<T>({ editor, what, word = 'Save', fresh = false, hint, onSaved, form }: { editor: Editor<T>; what: ComponentChildren; word?: string; fresh?: boolean; hint?: ComponentChildren; onSaved?: () => void; form: { current: HTMLElement | null } }) {
    const wrong = editor.mistakes.filter((one) => !one.warning);
    const shown = editor.dirty && !fresh;
    useEffect(() => {
        // The bar has come or grown: what somebody is typing into must not lie under it.
        const typing = document.activeElement;
        if (shown && typing && form.current?.contains(typing)) typing.scrollIntoView({ block: 'nearest' });
    }, [shown, wrong.length > 0, editor.problem !== '']);
    if (!shown && !fresh) return null;
    const elsewhere = editor.mistakes.filter((one) => !one.at);
    const firstWrong = () => form.current?.querySelector<HTMLElement>('[aria-invalid=true], .wrong input, .wrong select, .wrong button');
    return (
        <div class="savebar">
            <div class="words" aria-live="polite">
                {editor.problem && !wrong.length ? (
                    <Note kind="error">{editor.problem}</Note>
                ) : wrong.length ? (
                    <button type="button" class="link error" onClick={() => firstWrong()?.focus()}>
                        {wrong.length === 1 ? '1 mistake' : `${wrong.length} mistakes, the first`}: {wrong[0]?.sentence}
                    </button>
                ) : (
                    <span>{what}</span>
                )}
                {elsewhere.map((one) => (
                    <Note key={one.sentence} kind={one.warning ? 'warn' : 'error'}>
                        {one.sentence}
                    </Note>
                ))}
                {hint && !wrong.length && <small>{hint}</small>}
            </div>
            <div class="row">
                <Button onClick={editor.revert}>{fresh ? 'Clear' : 'Revert'}</Button>
                <Button
                    kind="main"
                    busy={editor.busy}
                    disabled={line.value.state === 'cut'}
                    onClick={() => {
                        if (wrong.length) {
                            firstWrong()?.focus();
                            return;
                        }
                        void editor.save().then((done) => {
                            if (done) {
                                tell('Saved.');
                                onSaved?.();
                            }
                        });
                    }}
                >
                    {word}
                </Button>
            </div>
        </div>
    );
}
