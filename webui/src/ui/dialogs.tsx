import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { sentenceOf } from '../api';
import { Button, Note, tell } from './basics';

type Shown = { render: (close: () => void) => ComponentChildren; title: string; wide: boolean; number: number; before: Element | null };
const dialogs = signal<Shown[]>([]);
// Going elsewhere, with the phone's back key for instance, leaves what was open.
window.addEventListener('hashchange', () => (dialogs.value = []));
let dialogNumber = 0;

/** Opens a dialog; what was focused before is focused again afterwards. */
export function show(title: string, render: (close: () => void) => ComponentChildren, wide = false): void {
    dialogs.value = [...dialogs.value, { title, render, wide, number: ++dialogNumber, before: document.activeElement }];
}

type Typed = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

/** What is in it is lost by closing it: a slip of the finger does not, and Escape asks first. */
function Dialog({ shown }: { shown: Shown }) {
    const box = useRef<HTMLDialogElement>(null);
    const began = useRef(new Map<Typed, string>()).current;
    const title = useId();
    const close = () => box.current?.close();
    const held = () => [...began].some(([one, was]) => one.isConnected && one.value !== was) || Boolean(box.current?.querySelector('[data-held]'));
    const leave = () => {
        if (!held()) close();
        else confirm('Throw it away?', <p>What was put in here is not used yet, and is lost.</p>, 'Throw away', async () => close());
    };
    useLayoutEffect(() => {
        box.current?.showModal();
        return () => {
            if (shown.before instanceof HTMLElement && shown.before.isConnected) shown.before.focus();
        };
    }, []);
    return (
        <dialog
            ref={box}
            class={shown.wide ? 'wide' : ''}
            aria-labelledby={title}
            onClose={() => (dialogs.value = dialogs.value.filter((one) => one !== shown))}
            onFocusIn={({ target }) => {
                if (target instanceof HTMLElement && target.matches('input, textarea, select') && !began.has(target as Typed)) began.set(target as Typed, (target as Typed).value);
            }}
            onClick={(event) => {
                if (event.target === box.current && !held()) close();
            }}
            // A second Escape would close it unasked, were only the first one's cancel held back.
            onKeyDown={(event) => {
                if (event.key !== 'Escape') return;
                event.preventDefault();
                leave();
            }}
            onCancel={(event) => {
                event.preventDefault();
                leave();
            }}
        >
            <div class="dialog">
                <header>
                    <h2 id={title}>{shown.title}</h2>
                    <Button icon="close" kind="bare" label="Close" onClick={leave} />
                </header>
                {shown.render(close)}
            </div>
        </dialog>
    );
}

export const Dialogs = () => (
    <>
        {dialogs.value.map((one) => (
            <Dialog key={one.number} shown={one} />
        ))}
    </>
);

type FormProps = {
    /** What the button says that does it. */
    word: string;
    kind?: 'main' | 'danger';
    ready?: boolean;
    act: () => Promise<unknown>;
    close: () => void;
    /** After it was done, if not `close`. */
    done?: () => void;
    autocomplete?: 'on' | 'off';
    /** What stands beside the buttons. */
    foot?: ComponentChildren;
    children: ComponentChildren;
};

/** A form in a dialog: does it once, says what was refused, and closes when it is done. */
export function FormDialog({ word, kind = 'main', ready = true, act, close, done = close, autocomplete = 'off', foot, children }: FormProps) {
    const [problem, setProblem] = useState('');
    const [busy, setBusy] = useState(false);
    const acting = useRef(false);
    const submit = () => {
        if (acting.current || !ready) return;
        acting.current = true;
        setBusy(true);
        setProblem('');
        act()
            .then(done, (why: unknown) => setProblem(sentenceOf(why)))
            .finally(() => {
                acting.current = false;
                setBusy(false);
            });
    };
    return (
        <form
            autocomplete={autocomplete}
            onInput={() => setProblem('')}
            onSubmit={(event) => {
                event.preventDefault();
                submit();
            }}
        >
            <div class="body">
                {children}
                <div aria-live="assertive">{problem && <Note kind="error">{problem}</Note>}</div>
            </div>
            <footer>
                {foot}
                <Button onClick={close}>Cancel</Button>
                <Button kind={kind} type="submit" busy={busy} disabled={!ready}>
                    {word}
                </Button>
            </footer>
        </form>
    );
}

/** Asks before something that cannot be undone; what is not `ready` is told of only. */
export function confirm(title: string, body: ComponentChildren, word: string, act: () => Promise<void>, ready = true): void {
    show(title, (close) => (
        <FormDialog kind="danger" word={word} ready={ready} act={act} close={close}>
            {body}
        </FormDialog>
    ));
}

export async function copyText(text: string, what: string): Promise<void> {
    try {
        await navigator.clipboard.writeText(text);
        tell(`${what} is in the clipboard.`);
    } catch {
        // Without HTTPS there is no clipboard: the text is shown to be copied by hand.
        show(`Copy ${what}`, () => (
            <div class="body">
                <textarea class="code" rows={12} readOnly value={text} aria-label={what} onFocus={(event) => event.currentTarget.select()} />
            </div>
        ));
    }
}
