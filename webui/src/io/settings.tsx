import { useState } from 'preact/hooks';
import { at, check, edit } from '../api';
import type { Instance, Mistake, Module, Setting, Value, Values } from '../contract';
import { same } from '../drafts';
import { go } from '../router';
import { namesForSetting } from '../rules/words';
import { may } from '../store';
import { EditForm, Overtaken, useEditor } from '../ui/editor';
import { FieldRow } from '../ui/fields';
import { isKept, mistakesAt } from '../ui/values';

const settingsOf = (module: Module): Setting[] => module.groups.flatMap((one) => one.settings);

/** A value in a few words, for showing what is mine and what is theirs. */
function inWords(setting: Setting, value: Value | undefined): string {
    if (value === undefined) return 'default';
    if (isKept(value)) return 'as it is';
    if (setting.type === 'secret') return 'a new value';
    if (typeof value === 'string') return value === '' ? 'empty' : value;
    return value.length === 0 ? 'nothing' : typeof value[0] === 'string' ? value.join(', ') : `${value.length} entries`;
}

const without = (values: Values, id: string): Values => Object.fromEntries(Object.entries(values).filter(([key]) => key !== id));
const put = (values: Values, id: string, value: Value | undefined): Values => (value === undefined ? without(values, id) : { ...values, [id]: value });

/** Without the secrets that were typed; one that is set stays set. */
const bared = (module: Module, values: Values, base: Values): Values =>
    settingsOf(module).reduce((made, one) => (one.type === 'secret' && typeof made[one.id] === 'string' ? put(made, one.id, base[one.id]) : made), values);

type FormProps = {
    module: Module;
    values: Values;
    base: Values;
    onChange: (values: Values) => void;
    mistakes: Mistake[];
    needsSecrets?: string[] | undefined;
    disabled: boolean;
    fresh?: boolean;
};

const insertable = (setting: Setting): boolean => ['text', 'data', 'steps'].includes(setting.type);

/** Drawn from the manifest alone. */
export function SettingsForm({ module, values, base, onChange, mistakes, needsSecrets = [], disabled, fresh = false }: FormProps) {
    const row = (setting: Setting) => {
        const value = values[setting.id] ?? module.defaults?.[setting.id];
        const place = `/settings/${setting.id}`;
        const asked = needsSecrets.includes(setting.id) && isKept(value)
            ? [{ sentence: `${setting.label} is asked for again, because where the line leads has changed.`, warning: false, at: place }]
            : [];
        return (
            <FieldRow
                key={setting.id}
                field={setting}
                value={value}
                at={place}
                dirty={!fresh && !same(values[setting.id], base[setting.id])}
                kept={isKept(base[setting.id])}
                disabled={disabled}
                mistakes={[...asked, ...mistakesAt(mistakes, place)]}
                names={insertable(setting) ? namesForSetting(setting) : undefined}
                hint={setting.live ? 'applies at once' : undefined}
                onChange={(next) => onChange(put(values, setting.id, next))}
                onReset={!fresh && !same(values[setting.id], base[setting.id]) ? () => onChange(put(values, setting.id, base[setting.id])) : undefined}
            />
        );
    };
    const noteworthy = (one: Setting) => values[one.id] !== undefined || needsSecrets.includes(one.id) || mistakesAt(mistakes, `/settings/${one.id}`).length > 0;
    return (
        <>
            {module.groups.map((group) => {
                const first = group.settings.filter((one) => !one.advanced);
                const more = group.settings.filter((one) => one.advanced);
                const used = more.filter(noteworthy);
                const wrong = more.some((one) => needsSecrets.includes(one.id) || mistakesAt(mistakes, `/settings/${one.id}`).some((each) => !each.warning));
                return (
                    <fieldset key={group.label} class="group">
                        <legend>{group.label}</legend>
                        {first.map(row)}
                        {more.length > 0 && (
                            <Fold key={group.label} open={wrong || first.length === 0 && used.length > 0} summary={`${first.length ? 'Advanced' : 'Show'} · ${more.length}`} note={used.length ? `${used.length} set: ${used.map((one) => one.label).join(', ')}` : ''}>
                                {more.map(row)}
                            </Fold>
                        )}
                    </fieldset>
                );
            })}
        </>
    );
}

/** Opens by itself where something in it needs to be seen, and then stays as the person leaves it. */
function Fold({ open, summary, note, children }: { open: boolean; summary: string; note: string; children: preact.ComponentChildren }) {
    const [chosen, setChosen] = useState<boolean | null>(null);
    const shown = open || (chosen ?? false);
    return (
        <details
            class="fold"
            open={shown}
            onToggle={(event) => {
                if (event.currentTarget.open !== shown) setChosen(event.currentTarget.open);
            }}
        >
            <summary>
                {summary}
                {note && <small>{note}</small>}
            </summary>
            {shown && children}
        </details>
    );
}

export function Settings({ instance, module }: { instance: Instance; module: Module }) {
    const { name, revision } = instance.summary;
    const path = at`/api/instances/${name}`;
    const editor = useEditor<Values>({
        key: `instance:${name}`,
        saved: instance.settings,
        revision,
        bare: (value) => bared(module, value, instance.settings),
        check: (value, signal) => check('PUT', path, { settings: value }, signal),
        save: (value, seen) => edit('PUT', path, { settings: value }, seen),
    });
    const changed = settingsOf(module).filter((one) => !same(editor.value[one.id], editor.base[one.id]));
    // What is typed anew is asked for no longer, before the controller has said so.
    const needsSecrets = editor.check?.needsSecrets?.filter((id) => isKept(editor.value[id]));
    const warnings = instance.warnings.map((one) => (one.setting ? { ...one, at: `/settings/${one.setting}` } : one));
    return (
        <EditForm
            editor={editor}
            what={changed.length === 1 ? '1 change' : `${changed.length} changes`}
            asked={settingsOf(module).filter((one) => needsSecrets?.includes(one.id)).map((one) => one.label)}
            hint={editor.check ? (editor.check.restarts ? 'Saving drops the connection and makes it anew.' : 'Applies without dropping the connection.') : undefined}
        >
            {editor.overtaken && <Overtaken editor={editor} what={name} rows={settingsOf(module).map((one) => ({ key: one.id, label: one.label, inWords: (values: Values) => inWords(one, values[one.id]) }))} />}
            <SettingsForm module={module} values={editor.value} base={editor.base} mistakes={editor.dirty ? editor.mistakes : warnings} needsSecrets={needsSecrets} disabled={!may('configure')} onChange={editor.put} />
        </EditForm>
    );
}

/** A new instance: its name and the very same form. */
export function NewInstance({ module }: { module: Module }) {
    const [touched, setTouched] = useState(false);
    const editor = useEditor<{ name: string; settings: Values }>({
        key: `new:${module.id}`,
        saved: { name: '', settings: {} },
        revision: '',
        fresh: true,
        bare: (value) => ({ ...value, settings: bared(module, value.settings, {}) }),
        check: (value, signal) => check('POST', '/api/instances', { ...value, module: module.id }, signal),
        save: (value) => edit('POST', '/api/instances', { ...value, module: module.id }),
    });
    // What is still empty is no mistake before somebody wants to save.
    const empty = (one: Mistake) => (one.at === '/name' ? editor.value.name === '' : one.at?.startsWith('/settings/') ? editor.value.settings[one.at.split('/')[2] ?? ''] === undefined : false);
    const shown = touched ? editor.mistakes : editor.mistakes.filter((one) => !empty(one));
    const { name } = editor.value;
    const disabled = !may('configure') || editor.busy;
    return (
        <EditForm fresh editor={editor} mistakes={shown} onTry={() => setTouched(true)} word="Add" what={name ? `Adds ${name} to the project.` : 'It needs a name, and what is marked required.'} onSaved={() => go('io', name)}>
            <fieldset class="group">
                <legend>{module.label}</legend>
                <p class="help">{module.help}</p>
                <FieldRow
                    field={{ id: 'name', number: 0, label: 'Name', type: 'text', required: true, help: 'How rules and the log call it: letters, digits, - and _.' }}
                    value={name}
                    at="/name"
                    mistakes={mistakesAt(shown, '/name')}
                    disabled={disabled}
                    onChange={(next) => editor.put({ ...editor.value, name: typeof next === 'string' ? next : '' })}
                />
            </fieldset>
            <SettingsForm fresh module={module} values={editor.value.settings} base={{}} mistakes={shown} disabled={disabled} onChange={(settings) => editor.put({ ...editor.value, settings })} />
        </EditForm>
    );
}
