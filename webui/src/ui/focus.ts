// Where the keyboard goes on when what it was at has come, or gone.

const controls = 'input:not([hidden], [type=file]), select, textarea, button:not(:disabled)';

/** The first thing in there that can be used. */
export const firstControl = (within: Element | null | undefined): HTMLElement | null => within?.querySelector<HTMLElement>(controls) ?? null;

/** In the next frame: what was pressed has been drawn by then. */
export const focusSoon = (find: () => HTMLElement | null | undefined): void => void requestAnimationFrame(() => find()?.focus());

/** The control of a field, also where it is a row of buttons. */
export function focusField(id: string): void {
    focusSoon(() => {
        const control = document.getElementById(id);
        return control?.matches(controls) ? control : firstControl(control?.closest('.control'));
    });
}

const itemsOf = (list: Element): Element[] => [...list.children].filter((one) => one.hasAttribute('data-item'));

/** A button beneath a list has added to it. */
export function focusAdded(event: Event): void {
    const list = (event.currentTarget as Element).closest('.items, .clause');
    if (list) focusSoon(() => firstControl(itemsOf(list).at(-1)));
}

/** A button in an item has removed it: on to the one that came into its place, the last one, or what adds one. */
export function focusNext(event: Event): void {
    const item = (event.currentTarget as Element).closest('[data-item]');
    const list = item?.parentElement;
    if (!item || !list) return;
    const place = itemsOf(list).indexOf(item);
    focusSoon(() => firstControl(itemsOf(list)[place] ?? itemsOf(list).at(-1)) ?? list.querySelector<HTMLElement>(':scope > button, :scope > .control > button'));
}

/** In frames: how long the channel may take to tell what has gone. */
const patience = 300;

/** Before an entry of the list beside is removed; the answer is to be called once that is done. */
export function neighbourOf(link: string): () => void {
    const entries = () => [...document.querySelectorAll<HTMLElement>('.list .entry')];
    const entry = (of: string | null | undefined) => entries().find((one) => one.getAttribute('href') === of);
    const place = entries().findIndex((one) => one.getAttribute('href') === link);
    const next = (entries()[place + 1] ?? entries()[place - 1])?.getAttribute('href');
    return () => {
        let left = patience;
        const look = (): void => {
            if (--left > 0 && (document.querySelector('dialog[open]') || entry(link))) return void requestAnimationFrame(look);
            // Who has gone on meanwhile is left alone.
            if (document.activeElement === document.body) (entry(next) ?? firstControl(document.querySelector('.list')) ?? document.querySelector<HTMLElement>('.list a'))?.focus();
        };
        look();
    };
}
