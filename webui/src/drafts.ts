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

export const draftOf = <T>(key: string): Draft<T> | undefined => drafts.value[key] as Draft<T> | undefined;
export const hasDraft = (key: string): boolean => {
    const draft = drafts.value[key];
    return draft !== undefined && !same(draft.base, draft.value);
};

/** `bare` takes the secrets out of a value; a draft without it does not outlive the page. */
export function keepDraft<T>(key: string, draft: Draft<T>, bare?: (value: T) => T): void {
    store(key, bare && !same(draft.base, draft.value) ? { ...draft, value: bare(draft.value) } : undefined);
    drafts.value = { ...drafts.value, [key]: draft };
}

export function dropDraft(key: string): void {
    store(key);
    if (!(key in drafts.value)) return;
    const { [key]: _, ...rest } = drafts.value;
    drafts.value = rest;
}

export const same = (left: unknown, right: unknown): boolean => left === right || JSON.stringify(left) === JSON.stringify(right);

/** What it belongs to has another name, and therefore another revision, now. */
export function moveDraft(from: string, to: string, revision: string): void {
    const draft = drafts.value[from];
    if (!draft) return;
    const kept = stored[from];
    dropDraft(from);
    keepDraft(to, { ...draft, revision });
    if (kept) store(to, { ...kept, revision });
}

window.addEventListener('beforeunload', (event) => {
    if (Object.values(drafts.value).some((one) => !same(one.base, one.value))) event.preventDefault();
});
