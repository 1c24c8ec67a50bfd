import { computed, signal } from '@preact/signals';

/** Where the page is: the parts of `#/io/press/settings`. */
const hash = signal(location.hash);
export const route = computed(() =>
    hash.value
        .replace(/^#\/?/, '')
        .split('/')
        .filter((one) => one !== '')
        .map((one) => {
            try {
                return decodeURIComponent(one);
            } catch {
                return one;
            }
        }),
);

export const to = (...parts: string[]): string => `#/${parts.map(encodeURIComponent).join('/')}`;

window.addEventListener('hashchange', () => (hash.value = location.hash));

export function go(...parts: string[]): void {
    location.hash = to(...parts);
}

/** The same page under another address, without a step in the history. */
export function replace(...parts: string[]): void {
    history.replaceState(null, '', to(...parts));
    hash.value = location.hash;
}
