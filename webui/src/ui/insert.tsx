import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Button } from './basics';

/** One that ${…} may stand for. */
export type Name = { name: string; label: string; group: string };

/** In the name, what is to be written by whoever inserts it. */
const blank = /NAME$/;

/** So many are listed at once; more are found by typing. */
const most = 200;

/** Lists what ${…} may stand for, and puts it where the caret was. */
export function Insert({ names, put, what }: { names: Name[]; put: (change: (text: string) => string) => void; what: string }) {
    const [open, setOpen] = useState(false);
    const [search, setSearch] = useState('');
    const box = useRef<HTMLDivElement>(null);
    const caret = useRef<[number, number] | null>(null);
    const control = () => box.current?.closest('.control')?.querySelector<HTMLInputElement | HTMLTextAreaElement>(':scope > input, :scope > textarea') ?? null;
    useEffect(() => {
        if (!open) return;
        box.current?.querySelector('input')?.focus();
        const outside = (event: Event) => {
            if (!box.current?.contains(event.target as Node)) setOpen(false);
        };
        document.addEventListener('pointerdown', outside);
        return () => document.removeEventListener('pointerdown', outside);
    }, [open]);
    const more = useRef(0);
    const groups = useMemo(() => {
        const all = names.filter((one) => `${one.name} ${one.label}`.toLowerCase().includes(search.toLowerCase()));
        const fits = all.slice(0, most);
        more.current = all.length - fits.length;
        return [...new Set(fits.map((one) => one.group))].map((group) => ({ group, names: fits.filter((one) => one.group === group) }));
    }, [names, search]);
    const insert = (name: string) => {
        const at = control();
        const [from, to] = caret.current ?? [at?.value.length ?? 0, at?.value.length ?? 0];
        const text = `\${${name}}`;
        put((before) => before.slice(0, from) + text + before.slice(to));
        setOpen(false);
        requestAnimationFrame(() => {
            at?.focus();
            // Where a name is still to be written, it is chosen, to be typed over.
            const place = blank.exec(name);
            if (place) at?.setSelectionRange(from + 2 + place.index, from + 2 + name.length);
            else at?.setSelectionRange(from + text.length, from + text.length);
        });
    };
    return (
        <div class="insert" ref={box} onKeyDown={(event) => {
            if (event.key === 'Escape' && open) {
                event.stopPropagation();
                setOpen(false);
                control()?.focus();
            }
            // Enter means the first that fits, not to save the rule.
            if (event.key === 'Enter' && event.target instanceof HTMLInputElement) {
                event.preventDefault();
                const [first] = groups[0]?.names ?? [];
                if (first) insert(first.name);
            }
        }}>
            <Button
                icon="insert"
                label={`Insert a value into ${what}`}
                aria-expanded={open}
                onClick={() => {
                    const at = control();
                    caret.current = at ? [at.selectionStart ?? at.value.length, at.selectionEnd ?? at.value.length] : null;
                    setSearch('');
                    setOpen(!open);
                }}
            />
            {open && (
                <div class="popover">
                    <input type="search" aria-label="Find a value" placeholder="Find" value={search} onInput={(event) => setSearch(event.currentTarget.value)} />
                    <div class="choices">
                        {groups.map((group) => (
                            <section key={group.group}>
                                <h2>{group.group}</h2>
                                {group.names.map((one) => (
                                    <button key={one.name} type="button" onClick={() => insert(one.name)}>
                                        <code>{`\${${one.name}}`}</code>
                                        <span>{one.label}</span>
                                    </button>
                                ))}
                            </section>
                        ))}
                        {more.current > 0 && <p class="help">{more.current} more: type a part of the name.</p>}
                        {!groups.length && <p class="help">Nothing has that name.</p>}
                    </div>
                    <p class="help">
                        Add <code>|json</code>, <code>|url</code>, <code>|hex</code> or <code>|base64</code> behind a name to escape it.
                    </p>
                </div>
            )}
        </div>
    );
}
