import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Refused, sentenceOf } from '../api';
import { line } from '../channel';
import type { Check, Mistake } from '../contract';
import { draftOf, dropDraft, isSaving, keepDraft, merged, same, settleDraft, whileSaving } from '../drafts';
import { Button, Note, tell } from './basics';
import { firstControl } from './focus';

export type Editor<T> = {
    value: T;
    base: T;
    /** As the controller has it now. */
    saved: T;
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
    /** Goes on from what the other one saved, with the changes made here on top. */
    rebase: () => void;
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
    /** Its revision from now on, and where its draft lives if it has another name. */
    save: (value: T, revision: string) => Promise<{ revision: string; key?: string }>;
};

/** What every form that edits the project has in common: draft, check while typing, save, revert, conflict. */
export function useEditor<T extends object>({ key, saved, revision, fresh = false, bare, check: judge, save }: Task<T>): Editor<T> {
    const draft = draftOf<T>(key);
    const dirty = draft !== undefined && !same(draft.base, draft.value);
    // Saved here, and not told by the channel yet: what was saved is what is there.
    const behind = draft?.passed?.includes(revision) ?? false;
    const begun = draft && (dirty || behind) ? draft : { base: saved, revision, value: saved };
    const [check, setCheck] = useState<Check | null>(null);
    const [problem, setProblem] = useState('');
    const stopCheck = useRef(() => {});
    const busy = isSaving(key);
    const text = JSON.stringify(begun.value);

    useEffect(() => {
        if (draft?.passed && draft.revision === revision) keepDraft(key, { base: saved, revision, value: merged(draft.base, draft.value, saved) }, bare);
    }, [draft, revision]);

    useEffect(() => {
        setProblem('');
        if (!dirty && !fresh) {
            setCheck(null);
            return;
        }
        const mine = new AbortController();
        const timer = setTimeout(() => {
            if (isSaving(key)) return;
            judge(begun.value, mine.signal).then(setCheck, (why: unknown) => {
                if (why instanceof Refused && why.status !== 0) setProblem(why.message);
            });
        }, 150);
        stopCheck.current = () => {
            clearTimeout(timer);
            mine.abort();
        };
        return () => stopCheck.current();
    }, [key, text, revision, dirty, fresh, line.value.state === 'open']);

    return {
        value: begun.value,
        base: begun.base,
        saved,
        revision: begun.revision,
        dirty,
        overtaken: dirty && !fresh && !behind && !busy && draft.revision !== revision,
        check,
        mistakes: check?.mistakes ?? [],
        problem,
        busy,
        put: (next) => keepDraft(key, { ...begun, value: next }, bare),
        revert: () => dropDraft(key),
        rebase: () => keepDraft(key, { base: saved, revision, value: merged(begun.base, begun.value, saved) }, bare),
        save: async () => {
            // Pressed twice, it is saved once.
            if (isSaving(key)) return false;
            setProblem('');
            // What is saved needs no check, and may have another name by the time one is answered.
            stopCheck.current();
            return whileSaving(key, async () => {
                try {
                    const done = await save(begun.value, begun.revision);
                    if (fresh) dropDraft(key);
                    else settleDraft(key, begun, done, bare);
                    return true;
                } catch (why) {
                    if (why instanceof Refused) {
                        const { mistakes = [], needsSecrets } = why.problem;
                        if (mistakes.length || needsSecrets) setCheck((last) => ({ ...last, ok: false, mistakes, ...(needsSecrets ? { needsSecrets } : {}) }));
                        // Somebody else has led back to what this page has passed: it is theirs now.
                        const { passed: _, ...late } = draftOf<T>(key) ?? begun;
                        if (why.status === 412) keepDraft(key, late, bare);
                    }
                    setProblem(sentenceOf(why));
                    return false;
                }
            });
        },
    };
}

type EditProps<T> = {
    editor: Editor<T>;
    what: ComponentChildren;
    word?: string;
    fresh?: boolean;
    hint?: ComponentChildren;
    /** What is shown of the mistakes, if not all. */
    mistakes?: Mistake[];
    /** The labels of the secrets that are asked for again. */
    asked?: string[];
    onTry?: () => void;
    onSaved?: () => void;
    children: ComponentChildren;
};

/** A form over an editor, and the bar at its foot while there is something to save. */
export function EditForm<T>({ editor, what, word = 'Save', fresh = false, hint, mistakes = editor.mistakes, asked = [], onTry, onSaved, children }: EditProps<T>) {
    const form = useRef<HTMLFormElement>(null);
    const real = (all: Mistake[]) => all.filter((one) => !one.warning);
    const wrong = real(mistakes);
    const shown = editor.dirty || fresh;
    const halted = line.value.state === 'cut' || editor.overtaken;
    useEffect(() => {
        if (fresh) form.current?.querySelector('input')?.focus({ preventScroll: true });
    }, []);
    useEffect(() => {
        // The bar has come or grown: what somebody is typing into must not lie under it.
        const typing = document.activeElement;
        if (shown && !fresh && typing && form.current?.contains(typing)) typing.scrollIntoView({ block: 'nearest' });
    }, [shown, wrong.length > 0, editor.problem !== '']);
    const firstWrong = () => form.current?.querySelector<HTMLElement>('[aria-invalid=true], .wrong .control input, .wrong .control select, .wrong .control button, .wrong textarea');
    const toFirstWrong = () => firstWrong()?.focus();
    const toChoice = () => {
        const note = form.current?.querySelector('.overtaken');
        note?.scrollIntoView({ block: 'start' });
        firstControl(note)?.focus({ preventScroll: true });
    };
    const submit = () => {
        if (!shown || halted) return;
        onTry?.();
        if (real(editor.mistakes).length || asked.length) {
            requestAnimationFrame(toFirstWrong);
            return;
        }
        void editor.save().then((done) => {
            if (!done) return void requestAnimationFrame(() => (firstWrong() ?? (fresh ? firstControl(form.current) : null))?.focus());
            tell('Saved.');
            onSaved?.();
        });
    };
    return (
        <form
            ref={form}
            class="settings"
            autocomplete="off"
            onSubmit={(event) => {
                event.preventDefault();
                submit();
            }}
        >
            {children}
            {shown && (
                <div class="savebar">
                    <div class="words" aria-live="polite">
                        {editor.overtaken ? (
                            <button type="button" class="link error" onClick={toChoice}>
                                Choose above: theirs, or yours on top
                            </button>
                        ) : wrong.length ? (
                            <button type="button" class="link error" onClick={toFirstWrong}>
                                {wrong.length === 1 ? '1 mistake' : `${wrong.length} mistakes, the first`}: {wrong[0]?.sentence}
                            </button>
                        ) : asked.length ? (
                            <button type="button" class="link error" onClick={toFirstWrong}>
                                {asked.length === 1 ? '1 secret is' : `${asked.length} secrets are`} asked for again: {asked.join(', ')}
                            </button>
                        ) : editor.problem ? (
                            <Note kind="error">{editor.problem}</Note>
                        ) : (
                            <>
                                <span>{what}</span>
                                {hint && <small>{hint}</small>}
                            </>
                        )}
                        {mistakes
                            .filter((one) => !one.at)
                            .map((one) => (
                                <Note key={one.sentence} kind={one.warning ? 'warn' : 'error'}>
                                    {one.sentence}
                                </Note>
                            ))}
                    </div>
                    <div class="row">
                        <Button onClick={editor.revert}>{fresh ? 'Clear' : 'Revert'}</Button>
                        <Button kind="main" type="submit" busy={editor.busy} disabled={halted}>
                            {word}
                        </Button>
                    </div>
                </div>
            )}
        </form>
    );
}

/** What differs, member by member, once somebody else has saved. */
export const Overtaken = <T,>({ editor, what, rows }: { editor: Editor<T>; what: string; rows: { key: keyof T & string; label: string; inWords: (value: T) => string }[] }) => (
    <div class="overtaken">
        <Note kind="warn" title={`Somebody else has changed ${what} meanwhile. Nothing of yours is saved yet.`}>
            <table class="plain">
                <thead>
                    <tr>
                        <th scope="col">Setting</th>
                        <th scope="col">Theirs, saved</th>
                        <th scope="col">Yours</th>
                    </tr>
                </thead>
                <tbody>
                    {rows
                        .filter((one) => !same(editor.saved[one.key], editor.base[one.key]))
                        .map((one) => (
                            <tr key={one.key}>
                                <th scope="row">{one.label}</th>
                                <td>{one.inWords(editor.saved)}</td>
                                <td>{same(editor.value[one.key], editor.base[one.key]) ? 'unchanged' : one.inWords(editor.value)}</td>
                            </tr>
                        ))}
                </tbody>
            </table>
            <div class="row wrap">
                <Button onClick={editor.revert}>Take theirs</Button>
                <Button kind="main" onClick={editor.rebase}>
                    Put my changes on top
                </Button>
            </div>
        </Note>
    </div>
);
