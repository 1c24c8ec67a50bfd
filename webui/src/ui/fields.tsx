import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { at, call, sentenceOf } from '../api';
import type { Field, File as HostFile, Kept, Match, Mistake, Setting, Step, Value } from '../contract';
import { Button, Switch, tell } from './basics';
import { focusAdded, focusField, focusNext } from './focus';
import { Icon } from './icons';
import { Insert, type Name } from './insert';
import { MatchList } from './match';
import { Sentences } from './sentences';
import { asMatches, asSteps, asText, asTexts, defaultInWords, isKept, isSend, mistakesAt, rangeInWords, truthOf } from './values';

export type InputProps = {
    field: Field | Setting;
    value: Value | undefined;
    /** undefined: back to the default. */
    onChange: (value: Value | undefined) => void;
    mistakes: Mistake[];
    at: string;
    id: string;
    describedBy: string;
    disabled?: boolean;
    /** A secret that is set, or was when the form was opened. */
    kept?: boolean;
    /** What may be inserted into a text of it. */
    names?: Name[] | undefined;
    rows?: number;
};

function TextInput({ field, value, onChange, mistakes, id, describedBy, disabled, names, rows }: InputProps) {
    const wrong = mistakes.some((one) => !one.warning);
    const common = {
        id,
        'aria-describedby': describedBy,
        'aria-invalid': wrong,
        disabled: disabled ?? false,
        placeholder: field.default ?? '',
        autocomplete: 'off',
        autocapitalize: 'none' as const,
        spellcheck: false,
    };
    const number = field.type === 'int' || field.type === 'real';
    const written = asText(value);
    // Decided once: a field that changed its kind while somebody types would lose the caret.
    const [long] = useState(!number && (rows !== undefined || written.length > 60 || written.includes('\n')));
    return (
        <div class="control">
            {long ? (
                <textarea {...common} class="code" rows={rows ?? Math.min(8, Math.max(2, written.split('\n').length, Math.ceil(written.length / 60)))} value={written} onInput={(event) => onChange(event.currentTarget.value)} />
            ) : (
                <input
                    {...common}
                    type="text"
                    class={number ? 'number' : ''}
                    {...(number ? { inputMode: field.type === 'int' ? ('numeric' as const) : ('decimal' as const) } : {})}
                    value={written}
                    onInput={(event) => {
                        const typed = event.currentTarget.value;
                        // An emptied field is one that was never written, unless empty is a value of its own.
                        onChange(typed === '' && (number || !field.required) ? undefined : typed);
                    }}
                />
            )}
            {field.unit && <span class="unit">{field.unit}</span>}
            {!number && !disabled && names && <Insert what={field.label} names={names} put={(change) => onChange(change(written))} />}
        </div>
    );
}

function SecretInput({ value, onChange, id, describedBy, disabled, kept, mistakes, field }: InputProps) {
    const [shown, setShown] = useState(false);
    const box = useRef<HTMLInputElement>(null);
    useEffect(() => {
        if (box.current) box.current.type = shown ? 'text' : 'password';
    });
    // What was pressed gives way to another control.
    const put = (next: Value | undefined) => {
        onChange(next);
        focusField(id);
    };
    if (isKept(value))
        return (
            <div class="control">
                <output id={id} class="set" aria-describedby={describedBy}>
                    <Icon name="key" /> Set, and never shown
                </output>
                <Button disabled={disabled ?? false} onClick={() => put('')} label={`Change ${field.label}`}>
                    Change
                </Button>
                <Button disabled={disabled ?? false} icon="trash" kind="bare" label={`Remove ${field.label}`} onClick={() => put(undefined)} />
            </div>
        );
    return (
        <div class="control">
            <input
                ref={box}
                id={id}
                type="password"
                autocomplete="new-password"
                aria-describedby={describedBy}
                aria-invalid={mistakes.some((one) => !one.warning)}
                disabled={disabled ?? false}
                placeholder={kept ? 'New value' : 'Not set'}
                value={asText(value)}
                onInput={(event) => onChange(event.currentTarget.value === '' && !kept ? undefined : event.currentTarget.value)}
            />
            <Button onClick={() => setShown(!shown)} label={`${shown ? 'Hide' : 'Show'} what was typed for ${field.label}`}>
                {shown ? 'Hide' : 'Show'}
            </Button>
            {kept && (
                <Button icon="undo" kind="bare" label={`Keep ${field.label} as it is`} onClick={() => put({ set: true } satisfies Kept)} />
            )}
        </div>
    );
}

function FileInput({ value, onChange, id, describedBy, disabled, mistakes, field }: InputProps) {
    const [files, setFiles] = useState<HostFile[]>([]);
    const chooser = useRef<HTMLInputElement>(null);
    const learn = () => call<HostFile[]>('/api/files', { idle: true }).then(setFiles, () => {});
    useEffect(() => void learn(), []);
    const written = asText(value);
    return (
        <div class="control">
            <select id={id} disabled={disabled ?? false} aria-describedby={describedBy} aria-invalid={mistakes.some((one) => !one.warning)} value={written} onChange={(event) => onChange(event.currentTarget.value || undefined)}>
                <option value="">None</option>
                {written && !files.some((one) => one.name === written) && <option value={written}>{written}</option>}
                {files.map((one) => (
                    <option key={one.name} value={one.name}>
                        {one.name}
                    </option>
                ))}
            </select>
            <input
                ref={chooser}
                type="file"
                hidden
                aria-label={`File for ${field.label}`}
                onChange={(event) => {
                    const chosen = event.currentTarget.files?.[0];
                    if (!chosen) return;
                    call(at`/api/files/${chosen.name}`, { method: 'PUT', body: chosen, type: 'application/octet-stream' }).then(
                        () => {
                            void learn();
                            onChange(chosen.name);
                        },
                        (why: unknown) => tell(sentenceOf(why), true),
                    );
                }}
            />
            <Button icon="upload" disabled={disabled ?? false} onClick={() => chooser.current?.click()}>
                Upload
            </Button>
        </div>
    );
}

function ListInput({ field, value, onChange, mistakes, at: place, id, describedBy, disabled, names }: InputProps) {
    const items = asTexts(value);
    const put = (next: string[]) => onChange(next.length ? next : undefined);
    return (
        <div class="items">
            {items.map((one, i) => (
                <div key={i} data-item>
                    <div class="control">
                        <input
                            id={i === 0 ? id : `${id}-${i}`}
                            aria-label={`${field.label}, ${i + 1}`}
                            aria-describedby={describedBy}
                            aria-invalid={mistakesAt(mistakes, `${place}/${i}`).some((wrong) => !wrong.warning)}
                            disabled={disabled ?? false}
                            autocomplete="off"
                            autocapitalize="none"
                            spellcheck={false}
                            value={one}
                            onInput={(event) => put(items.with(i, event.currentTarget.value))}
                        />
                        {field.unit && <span class="unit">{field.unit}</span>}
                        {!disabled && names && <Insert what={`${field.label}, ${i + 1}`} names={names} put={(change) => put(items.with(i, change(one)))} />}
                        <Button icon="trash" kind="bare" disabled={disabled ?? false} label={`Remove ${field.label}, ${i + 1}`} onClick={(event) => {
                            focusNext(event);
                            put(items.toSpliced(i, 1));
                        }} />
                    </div>
                </div>
            ))}
            <div class="control">
                <Button
                    icon="add"
                    {...(items.length === 0 ? { id } : {})}
                    disabled={disabled ?? false}
                    aria-describedby={describedBy}
                    label={`Add to ${field.label}`}
                    onClick={(event) => {
                        focusAdded(event);
                        put([...items, '']);
                    }}
                >
                    Add
                </Button>
            </div>
        </div>
    );
}

function StepsInput({ value, onChange, mistakes, at: place, id, describedBy, disabled, field, names }: InputProps) {
    const steps = asSteps(value);
    const put = (next: Step[]) => onChange(next.length ? next : undefined);
    const add = (event: Event, step: Step) => {
        focusAdded(event);
        put([...steps, step]);
    };
    return (
        <div class="items">
            {steps.map((step, i) => (
                <fieldset key={i} class="step" data-item>
                    <legend>{isSend(step) ? `${i + 1}. Send` : `${i + 1}. Wait for`}</legend>
                    {isSend(step) ? (
                        <>
                            <div class="control">
                                <textarea
                                    class="code"
                                    rows={2}
                                    aria-label={`Step ${i + 1}, message`}
                                    disabled={disabled ?? false}
                                    spellcheck={false}
                                    value={step.send}
                                    onInput={(event) => put(steps.with(i, { ...step, send: event.currentTarget.value }))}
                                />
                                {!disabled && names && <Insert what={`step ${i + 1}`} names={names} put={(change) => put(steps.with(i, { ...step, send: change(step.send) }))} />}
                            </div>
                            <select
                                aria-label={`Step ${i + 1}, written as`}
                                disabled={disabled ?? false}
                                value={step.encoding ?? 'text'}
                                onChange={(event) => put(steps.with(i, { ...step, encoding: event.currentTarget.value as 'text' | 'hex' | 'base64' }))}
                            >
                                <option value="text">Text</option>
                                <option value="hex">Binary, as hex</option>
                                <option value="base64">Binary, as base64</option>
                            </select>
                        </>
                    ) : (
                        <MatchList what={`Step ${i + 1}`} matches={step.await} at={`${place}/${i}/await`} mistakes={mistakes} disabled={disabled ?? false} onChange={(next) => put(steps.with(i, { await: next }))} />
                    )}
                    <div class="row end">
                        <Button icon="up" kind="bare" disabled={disabled || i === 0} label={`Move step ${i + 1} up`} onClick={() => put(steps.toSpliced(i, 1).toSpliced(i - 1, 0, step))} />
                        <Button icon="down" kind="bare" disabled={disabled || i === steps.length - 1} label={`Move step ${i + 1} down`} onClick={() => put(steps.toSpliced(i, 1).toSpliced(i + 1, 0, step))} />
                        <Button icon="trash" kind="bare" disabled={disabled ?? false} label={`Remove step ${i + 1}`} onClick={(event) => {
                            focusNext(event);
                            put(steps.toSpliced(i, 1));
                        }} />
                    </div>
                    {!isSend(step) || <Sentences id={`${id}-${i}`} mistakes={mistakesAt(mistakes, `${place}/${i}`)} />}
                </fieldset>
            ))}
            <div class="control">
                <Button id={id} icon="add" disabled={disabled ?? false} aria-describedby={describedBy} label={`Add to ${field.label} a message to send`} onClick={(event) => add(event, { send: '' })}>
                    Send
                </Button>
                <Button icon="add" disabled={disabled ?? false} label={`Add to ${field.label} a message to wait for`} onClick={(event) => add(event, { await: [{ kind: 'contains', text: '' }] })}>
                    Wait for
                </Button>
            </div>
        </div>
    );
}

/** The control for one field, whatever its type. */
export function Input(props: InputProps) {
    const { field, value, onChange, id, describedBy, disabled, mistakes, at: place } = props;
    switch (field.type) {
        case 'bool':
            return <Switch id={id} describedBy={describedBy} disabled={disabled ?? false} label={truthOf(asText(value) || (field.default ?? 'false')) ? 'On' : 'Off'} on={truthOf(asText(value) || (field.default ?? 'false'))} onChange={(on) => onChange(String(on) === field.default ? undefined : String(on))} />;
        case 'choice': {
            const written = asText(value) || (field.default ?? '');
            const help = field.choices?.find((one) => one.value === written)?.help;
            return (
                <>
                    <div class="control">
                        <select id={id} disabled={disabled ?? false} aria-describedby={describedBy} aria-invalid={mistakes.some((one) => !one.warning)} value={written} onChange={(event) => onChange(event.currentTarget.value === field.default ? undefined : event.currentTarget.value)}>
                            {!field.choices?.some((one) => one.value === written) && <option value={written}>{written || 'Choose …'}</option>}
                            {field.choices?.map((one) => (
                                <option key={one.value} value={one.value}>
                                    {one.label}
                                </option>
                            ))}
                        </select>
                    </div>
                    {help && <p class="help">{help}</p>}
                </>
            );
        }
        case 'secret':
            return <SecretInput {...props} />;
        case 'file':
            return <FileInput {...props} />;
        case 'match':
            return <MatchList id={id} what={field.label} matches={asMatches(value)} at={place} mistakes={mistakes} disabled={disabled ?? false} onChange={(next: Match[]) => onChange(next.length ? next : undefined)} />;
        case 'steps':
            return <StepsInput {...props} />;
        default:
            return field.list ? <ListInput {...props} /> : <TextInput {...props} />;
    }
}

/** A field with its label, its help, what stands by default, and what is wrong with it. */
export function FieldRow({ dirty, onReset, hint, ...props }: Omit<InputProps, 'id' | 'describedBy'> & { dirty?: boolean; onReset?: (() => void) | undefined; hint?: string | undefined }) {
    const id = useId();
    const { field, mistakes } = props;
    const facts = [rangeInWords(field), defaultInWords(field) && `default ${defaultInWords(field)}`, field.required ? 'required' : '', hint ?? ''].filter(Boolean).join(' · ');
    const grouped = field.type === 'match' || field.type === 'steps' || field.list;
    return (
        <div class={`field ${dirty ? 'dirty' : ''} ${mistakes.some((one) => !one.warning) ? 'wrong' : ''}`} data-field={field.id} {...(grouped ? { role: 'group', 'aria-labelledby': `${id}l` } : {})}>
            <div class="label">
                {grouped ? <span id={`${id}l`}>{field.label}</span> : <label for={id}>{field.label}</label>}
                {dirty && <span class="mark" title="Changed, not saved yet">changed</span>}
                {onReset && <Button kind="bare" icon="undo" class="reset" label={`Take back the change of ${field.label}`} onClick={() => {
                    onReset();
                    focusField(id);
                }} />}
            </div>
            <Input {...props} id={id} describedBy={`${id}m ${id}h`} />
            <Sentences id={`${id}m`} mistakes={mistakes} field={field} />
            <p id={`${id}h`} class="help">
                {field.help}
                {facts && <span class="facts">{field.help ? ` · ${facts}` : facts}</span>}
            </p>
        </div>
    );
}
