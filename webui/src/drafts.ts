import { signal } from '@preact/signals';

/**
 * What was typed and not saved yet. Drafts outlive a change of tab, the loss of the channel and, without the
 * secrets in them, a reload; the browser asks before it throws them away.
 */
export type Draft<T> = {
    /** What it began with, and its revision then: what is saved must still be that. */
    base: T;
    revision: string;
    value: T;
    /** The revisions before: this page has saved since, and may be shown them until the channel has told of it. */
    passed?: string[];
};

const place = 'iom-drafts';

/** What this tab of the browser keeps; the values have no secrets in them. */
const stored: Record<string, Draft<unknown>> = (() => {
    try {
        return JSON.parse(sessionStorage.getItem(place) ?? '{}') as Record<string, Draft<unknown>>;
    } catch {
        return {};
    }
})();

function store(key: string, draft?: Draft<unknown>): void {
    if (draft) stored[key] = draft;
    else delete stored[key];
    try {
        sessionStorage.setItem(place, JSON.stringify(stored));
    } catch {
        // A browser that keeps nothing, or has no room: the draft lives as long as the page.
    }
}

const drafts = signal<Record<string, Draft<unknown>>>({ ...stored });

const differs = (draft: Draft<unknown>): boolean => !same(draft.base, draft.value);

export const draftOf = <T>(key: string): Draft<T> | undefined => drafts.value[key] as Draft<T> | undefined;
export const hasDraft = (key: string): boolean => {
    const draft = drafts.value[key];
    return draft !== undefined && differs(draft);
};

/** `bare` takes the secrets out of a value; a draft without it does not outlive the page. */
export function keepDraft<T>(key: string, draft: Draft<T>, bare?: (value: T) => T): void {
    if (!differs(draft) && !draft.passed) return dropDraft(key);
    store(key, bare && differs(draft) ? { ...draft, base: bare(draft.base), value: bare(draft.value) } : undefined);
    drafts.value = { ...drafts.value, [key]: draft };
}

export function dropDraft(key: string): void {
    store(key);
    if (!(key in drafts.value)) return;
    const { [key]: _, ...rest } = drafts.value;
    drafts.value = rest;
}

const inOrder = (_: string, value: unknown): unknown =>
    typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1))) : value;

/** Whatever the order of the members. */
export const same = (left: unknown, right: unknown): boolean => left === right || JSON.stringify(left, inOrder) === JSON.stringify(right, inOrder);

/** Of each member mine where I have changed it, else theirs. */
export function merged<T extends object>(base: T, mine: T, theirs: T): T {
    const made = { ...theirs };
    for (const key of [...Object.keys(base), ...Object.keys(mine)] as (keyof T)[]) {
        if (same(base[key], mine[key])) continue;
        if (mine[key] === undefined) delete made[key];
        else made[key] = mine[key];
    }
    return made;
}

const saving = signal<string[]>([]);
export const isSaving = (key: string): boolean => saving.value.includes(key);

/** While an edit of one's own is under way: the channel may tell of it before it is answered. */
export async function whileSaving<T>(key: string, act: () => Promise<T>): Promise<T> {
    saving.value = [...saving.value, key];
    try {
        return await act();
    } finally {
        saving.value = saving.value.toSpliced(saving.value.indexOf(key), 1);
    }
}

/** The same draft, after this page has saved something else of what it belongs to. */
const onTop = <T extends object>(draft: Draft<T>, revision: string, saved: T): Draft<T> => ({
    base: saved,
    revision,
    value: merged(draft.base, draft.value, saved),
    passed: [...(draft.passed ?? []), draft.revision],
});

/**
 * An edit made here, elsewhere than in the form, has led from one revision to another, and perhaps to another key: what
 * was typed goes on from there. Who was overtaken before, stays so.
 */
export function carryDraft<T extends object>(key: string, edit: { from: string; revision: string; saved?: T; key?: string }): void {
    const draft = draftOf<T>(key);
    if (!draft) return;
    const kept = stored[key] as Draft<T> | undefined;
    const now = (one: Draft<T>) => (one.revision === edit.from ? onTop(one, edit.revision, edit.saved ?? one.base) : one);
    dropDraft(key);
    keepDraft(edit.key ?? key, now(draft));
    if (kept) store(edit.key ?? key, now(kept));
}

/** What was sent is saved: what was typed since stays, on top of it. */
export function settleDraft<T>(key: string, sent: Draft<T>, saved: { revision: string; key?: string }, bare?: (value: T) => T): void {
    const typed = draftOf<T>(key)?.value ?? sent.value;
    dropDraft(key);
    keepDraft(saved.key ?? key, { base: sent.value, revision: saved.revision, value: typed, passed: [...(sent.passed ?? []), sent.revision] }, bare);
}

window.addEventListener('beforeunload', (event) => {
    if (Object.values(drafts.value).some(differs)) event.preventDefault();
});
