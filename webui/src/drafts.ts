import { signal } from '@preact/signals';

/**
 * What was typed and not saved yet. Drafts outlive a change of tab and the loss of the channel; the browser
 * asks before it throws them away.
 */
export type Draft<T> = {
    /** What it began with, and its revision then: what is saved must still be that. */
    base: T;
    revision: string;
    value: T;
};

const drafts = signal<Record<string, Draft<unknown>>>({});

export const draftOf = <T>(key: string): Draft<T> | undefined => drafts.value[key] as Draft<T> | undefined;
export const hasDraft = (key: string): boolean => {
    const draft = drafts.value[key];
    return draft !== undefined && !same(draft.base, draft.value);
};

export function keepDraft<T>(key: string, draft: Draft<T>): void {
    drafts.value = { ...drafts.value, [key]: draft };
}

export function dropDraft(key: string): void {
    if (!(key in drafts.value)) return;
    const { [key]: _, ...rest } = drafts.value;
    drafts.value = rest;
}

export const same = (left: unknown, right: unknown): boolean => left === right || JSON.stringify(left) === JSON.stringify(right);

/** What it belongs to has another name, and therefore another revision, now. */
export function moveDraft(from: string, to: string, revision: string): void {
    const draft = drafts.value[from];
    if (!draft) return;
    dropDraft(from);
    keepDraft(to, { ...draft, revision });
}

window.addEventListener('beforeunload', (event) => {
    if (Object.values(drafts.value).some((one) => !same(one.base, one.value))) event.preventDefault();
});
