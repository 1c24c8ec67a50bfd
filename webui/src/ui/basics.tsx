import { computed, signal } from '@preact/signals';
import { Component, type ButtonHTMLAttributes, type ComponentChildren, type FunctionComponent } from 'preact';
import { useEffect, useId, useMemo, useRef, useState } from 'preact/hooks';
import { line } from '../channel';
import { ago, clockTime, left, now, span } from '../clock';
import { Icon, type IconName } from './icons';

/** Is drawn anew only where one of its props is another: for the rows of long lists. */
export function memo<P extends object>(draw: (props: P) => ComponentChildren): FunctionComponent<P> {
    class Kept extends Component<P> {
        override shouldComponentUpdate(next: P) {
            return Object.entries(next).some(([name, value]) => this.props[name as keyof P] !== value);
        }
        override render(props: P) {
            return draw(props);
        }
    }
    return Kept as unknown as FunctionComponent<P>;
}

// ---- what is said in passing

const said = signal<{ text: string; bad: boolean; number: number } | null>(null);
let saidTimer = 0;
let saidNumber = 0;

/** One sentence at the foot of the page, for eyes and screen readers alike. */
export function tell(text: string, bad = false): void {
    window.clearTimeout(saidTimer);
    said.value = { text, bad, number: ++saidNumber };
    saidTimer = window.setTimeout(() => (said.value = null), bad ? 12000 : 4000);
}

export const Teller = () => (
    <div class="teller" role="status" aria-live="polite">
        {said.value && (
            <p key={said.value.number} class={said.value.bad ? 'bad' : ''}>
                <Icon name={said.value.bad ? 'error' : 'check'} />
                <span>{said.value.text}</span>
                <button type="button" class="bare" aria-label="Dismiss" onClick={() => (said.value = null)}>
                    <Icon name="close" />
                </button>
            </p>
        )}
    </div>
);

// ---- times

/** A text that follows the clock: where it stays the same, nothing is drawn anew. */
function Ticking({ text, of }: { text: (at: number) => string; of: number }) {
    return <>{useMemo(() => computed(() => text(of)), [text, of])}</>;
}

export const Ago = ({ at }: { at: number }) => (
    <time dateTime={new Date(at).toISOString()} title={`${clockTime(at)}, ${new Date(at).toLocaleDateString()}`}>
        <Ticking text={ago} of={at} />
    </time>
);

const sinceThen = (at: number): string => span(now.value - at);
const leftUntil = (at: number): string => left(at - now.value);
export const Since = ({ at }: { at: number }) => <Ticking text={sinceThen} of={at} />;
export const Left = ({ until }: { until: number }) => <Ticking text={leftUntil} of={until} />;

export const At = ({ at, fine = false }: { at: number; fine?: boolean }) => <time dateTime={new Date(at).toISOString()}>{clockTime(at, fine)}</time>;

/** Milliseconds until then, 0 once it is past. */
export const untilThen = (then: number): number => Math.max(0, then - now.value);

// ---- buttons and notes

type ButtonProps = {
    icon?: IconName;
    kind?: 'main' | 'danger' | 'bare' | undefined;
    children?: ComponentChildren;
    label?: string;
    busy?: boolean;
} & Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'icon' | 'label'>;

/** One that is busy stays where it is and keeps the focus, but takes no second press. */
export const Button = ({ icon, kind, children, label, busy, class: more, ...rest }: ButtonProps) => (
    <button
        type="button"
        class={[kind ?? '', children ? '' : 'square', busy ? 'busy' : '', typeof more === 'string' ? more : ''].join(' ').trim()}
        {...(label === undefined ? {} : { 'aria-label': label, title: label })}
        {...rest}
        {...(busy ? { 'aria-busy': 'true' as const, 'aria-disabled': 'true' as const, onClick: (event: Event) => event.preventDefault() } : {})}
    >
        {icon && <Icon name={icon} />}
        {children && <span>{children}</span>}
    </button>
);

export const Note = ({ kind, title, children }: { kind: 'error' | 'warn' | 'info'; title?: ComponentChildren; children?: ComponentChildren }) => (
    <div class={`note ${kind}`}>
        <Icon name={kind === 'info' ? 'check' : kind} />
        <div>
            {title && <strong>{title}</strong>}
            {children}
        </div>
    </div>
);

export const Empty = ({ children }: { children: ComponentChildren }) => <div class="empty">{children}</div>;

export const Loading = () => (
    <p class="loading" role="status">
        {line.value.state === 'cut' ? 'This will be shown once the connection is back.' : 'One moment …'}
    </p>
);

/** A switch: a checkbox that says so. */
export const Switch = ({ on, label, onChange, disabled, id, describedBy, hidden }: { on: boolean; label: string; onChange: (on: boolean) => void; disabled?: boolean; id?: string; describedBy?: string; hidden?: boolean }) => (
    <label class="switch">
        <input
            type="checkbox"
            role="switch"
            checked={on}
            disabled={disabled ?? false}
            {...(id ? { id } : {})}
            {...(describedBy ? { 'aria-describedby': describedBy } : {})}
            {...(hidden ? { 'aria-label': label } : {})}
            onChange={(event) => onChange(event.currentTarget.checked)}
        />
        <i />
        {!hidden && <span>{label}</span>}
    </label>
);

// ---- menus

export type MenuItem = { label: string; icon?: IconName; danger?: boolean; act: () => void };

/** A button that opens a list of deeds; arrows, Home, End and Escape work as people know them. */
export function Menu({ label, icon = 'more', items, children }: { label: string; icon?: IconName; items: MenuItem[]; children?: ComponentChildren }) {
    const [open, setOpen] = useState(false);
    const box = useRef<HTMLDivElement>(null);
    const id = useId();
    const close = (focus: boolean) => {
        setOpen(false);
        if (focus) box.current?.querySelector('button')?.focus();
    };
    useEffect(() => {
        if (!open) return;
        box.current?.querySelector<HTMLElement>('[role=menuitem]')?.focus();
        const outside = (event: Event) => {
            if (!box.current?.contains(event.target as Node)) setOpen(false);
        };
        document.addEventListener('pointerdown', outside);
        return () => document.removeEventListener('pointerdown', outside);
    }, [open]);
    const keys = (event: KeyboardEvent) => {
        const all = [...(box.current?.querySelectorAll<HTMLElement>('[role=menuitem]') ?? [])];
        const here = all.indexOf(document.activeElement as HTMLElement);
        const next = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: all.length - 1 }[event.key];
        if (next !== undefined) {
            event.preventDefault();
            all.at(next % all.length)?.focus();
        } else if (event.key === 'Escape') {
            event.stopPropagation();
            close(true);
        } else if (event.key === 'Tab') setOpen(false);
    };
    return (
        <div class="menu" ref={box} onKeyDown={(event) => open && keys(event)}>
            <Button
                icon={icon}
                {...(children ? {} : { label })}
                aria-haspopup="menu"
                aria-expanded={open}
                aria-controls={id}
                onClick={() => setOpen(!open)}
                onKeyDown={(event) => {
                    if (!open && event.key === 'ArrowDown') {
                        event.preventDefault();
                        setOpen(true);
                    }
                }}
            >
                {children}
            </Button>
            <div id={id} role="menu" aria-label={label} hidden={!open}>
                {items.map((one) => (
                    <button
                        key={one.label}
                        type="button"
                        role="menuitem"
                        tabIndex={-1}
                        class={one.danger ? 'danger' : ''}
                        onClick={() => {
                            close(true);
                            one.act();
                        }}
                    >
                        {one.icon && <Icon name={one.icon} />}
                        <span>{one.label}</span>
                    </button>
                ))}
            </div>
        </div>
    );
}
