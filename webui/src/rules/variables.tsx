import { useState } from 'preact/hooks';
import { at, edit } from '../api';
import type { Variable } from '../contract';
import { may } from '../store';
import { Ago, Button, Empty, tell } from '../ui/basics';
import { confirm, FormDialog, show } from '../ui/dialogs';
import { Sentences } from '../ui/sentences';

function VariableForm({ variable, taken, close }: { variable?: Variable; taken: string[]; close: () => void }) {
    const [name, setName] = useState(variable?.name ?? '');
    const [type, setType] = useState<Variable['type']>(variable?.type ?? 'text');
    const [initial, setInitial] = useState(variable?.initial ?? '');
    const there = !variable && taken.includes(name);
    return (
        <FormDialog
            word={variable ? 'Save' : 'Add'}
            ready={name !== '' && !there}
            act={async () => {
                await edit('PUT', at`/api/variables/${name}`, { type, initial: initial === '' && type !== 'text' ? (type === 'bool' ? 'false' : '0') : initial }, variable?.revision);
                tell('Saved.');
            }}
            close={close}
        >
            {!variable && (
                <div class="field">
                    <label for="variable-name">Name</label>
                    <input id="variable-name" autofocus autocapitalize="none" spellcheck={false} aria-invalid={there} aria-describedby="variable-wrong" value={name} onInput={(event) => setName(event.currentTarget.value)} />
                    <Sentences id="variable-wrong" mistakes={there ? [{ sentence: `There is a variable ${name} already.`, warning: false }] : []} />
                </div>
            )}
            <div class="field">
                <label for="variable-type">Type</label>
                <select id="variable-type" value={type} onChange={(event) => setType(event.currentTarget.value as Variable['type'])}>
                    <option value="text">Text</option>
                    <option value="int">Whole number</option>
                    <option value="real">Number</option>
                    <option value="bool">Yes or no</option>
                </select>
            </div>
            <div class="field">
                <label for="variable-initial">At the start</label>
                <input id="variable-initial" spellcheck={false} value={initial} onInput={(event) => setInitial(event.currentTarget.value)} />
            </div>
        </FormDialog>
    );
}

export function Variables({ variables }: { variables: Variable[] }) {
    const configure = may('configure');
    const taken = variables.map((one) => one.name);
    return (
        <section class="card" aria-labelledby="variables-title">
            <header>
                <h2 id="variables-title">Variables</h2>
                {configure && (
                    <Button icon="add" onClick={() => show('New variable', (close) => <VariableForm taken={taken} close={close} />)}>
                        Add
                    </Button>
                )}
            </header>
            <p class="help">What the controller remembers between events. Rules set them, and insert them as {'${host/NAME}'}.</p>
            {!variables.length && <Empty>There is none.</Empty>}
            <ul class="table">
                {variables.map((one) => (
                    <li key={one.name}>
                        <span class="name">{one.name}</span>
                        <code class="grow">{one.value === null ? '–' : String(one.value)}</code>
                        <small>{one.at != null && <Ago at={one.at} />}</small>
                        {configure && (
                            <span class="row">
                                <Button kind="bare" onClick={() => show(one.name, (close) => <VariableForm variable={one} taken={taken} close={close} />)} label={`Change ${one.name}`}>
                                    Change
                                </Button>
                                <Button
                                    kind="bare"
                                    icon="trash"
                                    label={`Remove ${one.name}`}
                                    onClick={() =>
                                        confirm(
                                            `Remove ${one.name}?`,
                                            <p>{one.usedBy.length ? `It is used by ${one.usedBy.join(', ')}; those must be changed first.` : 'No rule uses it.'}</p>,
                                            'Remove',
                                            async () => void (await edit('DELETE', at`/api/variables/${one.name}`, undefined, one.revision)),
                                            one.usedBy.length === 0,
                                        )
                                    }
                                />
                            </span>
                        )}
                    </li>
                ))}
            </ul>
        </section>
    );
}
