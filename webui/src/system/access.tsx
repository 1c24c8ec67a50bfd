import { useEffect, useState } from 'preact/hooks';
import { at, call } from '../api';
import { dateOf } from '../clock';
import type { NewToken, Token } from '../contract';
import { learnSession, may, session } from '../store';
import { Ago, Button, Empty, Note, tell } from '../ui/basics';
import { confirm, copyText, FormDialog, show } from '../ui/dialogs';

const rights: [Token['right'], string][] = [
    ['read', 'Read: see everything'],
    ['operate', 'Operate: also actions and firing rules'],
    ['configure', 'Configure: also change everything'],
];

function PasswordForm({ close, first, code }: { close: () => void; first: boolean; code: boolean }) {
    const [old, setOld] = useState('');
    const [fresh, setFresh] = useState('');
    const [again, setAgain] = useState('');
    const differs = again !== '' && fresh !== again;
    return (
        <FormDialog
            word={first ? 'Set password' : 'Change password'}
            autocomplete="on"
            ready={fresh.length >= 8 && fresh === again}
            act={async () => {
                if (first) await call('/api/password/first', { method: 'POST', body: { password: fresh, ...(code ? { code: old } : {}) } });
                else await call('/api/password', { method: 'PUT', body: { old, password: fresh } });
                tell(first ? 'The password is set. From now on it is asked for.' : 'The password is changed; all other sessions have ended.');
                void learnSession();
            }}
            close={close}
        >
            {(!first || code) && (
                <div class="field">
                    <label for="old-password">{first ? 'One-time code that the console prints' : 'Password until now'}</label>
                    <input id="old-password" type="password" autocomplete="current-password" value={old} onInput={(event) => setOld(event.currentTarget.value)} />
                </div>
            )}
            <div class="field">
                <label for="fresh-password">New password</label>
                <input id="fresh-password" type="password" autocomplete="new-password" minLength={8} aria-describedby="fresh-help" value={fresh} onInput={(event) => setFresh(event.currentTarget.value)} />
                <p id="fresh-help" class="help">
                    At least 8 characters; a few words are better than signs.
                </p>
            </div>
            <div class="field">
                <label for="again-password">Once more</label>
                <input id="again-password" type="password" autocomplete="new-password" aria-invalid={differs} value={again} onInput={(event) => setAgain(event.currentTarget.value)} />
                {differs && <p class="error">The two differ.</p>}
            </div>
        </FormDialog>
    );
}

function TokenForm({ close, made }: { close: () => void; made: () => void }) {
    const [name, setName] = useState('');
    const [right, setRight] = useState<Token['right']>('read');
    const [days, setDays] = useState('90');
    const wrong = days.trim() !== '' && !(Number(days) >= 1 && Number(days) <= 3650);
    const [token, setToken] = useState<NewToken | null>(null);
    if (token)
        return (
            <>
                <div class="body">
                    <Note kind="warn" title="This is the only time it is shown.">
                        <p>Copy it to where it is needed; here only its name is kept.</p>
                    </Note>
                    <pre tabIndex={0} aria-label="The token">
                        {token.token}
                    </pre>
                </div>
                <footer>
                    <Button icon="copy" onClick={() => void copyText(token.token, 'The token')}>
                        Copy
                    </Button>
                    <Button kind="main" onClick={close}>
                        Done
                    </Button>
                </footer>
            </>
        );
    return (
        <FormDialog
            word="Make token"
            ready={name !== '' && !wrong}
            act={async () => setToken(await call<NewToken>('/api/tokens', { method: 'POST', body: { name, right, ...(days.trim() ? { days: Number(days) } : {}) } }))}
            done={made}
            close={close}
        >
            <div class="field">
                <label for="token-name">What for</label>
                <input id="token-name" autofocus value={name} placeholder="night script" onInput={(event) => setName(event.currentTarget.value)} />
            </div>
            <div class="field">
                <label for="token-right">It may</label>
                <select id="token-right" value={right} onChange={(event) => setRight(event.currentTarget.value as Token['right'])}>
                    {rights.map(([one, label]) => (
                        <option key={one} value={one}>
                            {label}
                        </option>
                    ))}
                </select>
            </div>
            <div class="field">
                <label for="token-days">Expires after, in days</label>
                <input id="token-days" class="number" inputMode="numeric" placeholder="never" aria-invalid={wrong} aria-describedby="token-days-wrong" value={days} onInput={(event) => setDays(event.currentTarget.value)} />
                <p id="token-days-wrong" class="error" aria-live="polite">
                    {wrong && 'A number of days from 1 to 3650, or nothing for a token that never expires.'}
                </p>
            </div>
        </FormDialog>
    );
}

export function Access() {
    const [tokens, setTokens] = useState<Token[]>([]);
    const learn = () => void call<Token[]>('/api/tokens', { idle: true }).then(setTokens, () => {});
    useEffect(learn, []);
    const { state, codeNeeded } = session.value ?? { state: 'open' };
    const configure = may('configure');
    return (
        <section class="card" aria-labelledby="access-title">
            <header>
                <h2 id="access-title">Access</h2>
                <span class="row">
                    {state === 'in' && (
                        <Button icon="out" onClick={() => void call('/api/session', { method: 'DELETE' }).finally(() => location.reload())}>
                            Log out
                        </Button>
                    )}
                    {configure && (
                        <Button icon="key" onClick={() => show(state === 'open' ? 'Set a password' : 'Change the password', (close) => <PasswordForm close={close} first={state === 'open'} code={codeNeeded ?? false} />)}>
                            {state === 'open' ? 'Set a password' : 'Change password'}
                        </Button>
                    )}
                </span>
            </header>
            <p class="help">{state === 'open' ? 'No password is set: whoever can use this computer can change everything here. From other computers nobody gets in without one.' : 'Logged in with the password of this controller.'}</p>
            <header>
                <h3>API tokens</h3>
                {configure && (
                    <Button icon="add" onClick={() => show('New API token', (close) => <TokenForm close={close} made={learn} />)}>
                        Add
                    </Button>
                )}
            </header>
            {!tokens.length && <Empty>None. Scripts log in with a token instead of the password.</Empty>}
            <ul class="table">
                {tokens.map((one) => (
                    <li key={one.id}>
                        <span class="name">{one.name}</span>
                        <span>{one.right}</span>
                        <small class="grow">
                            {one.expires ? `until ${dateOf(one.expires)}` : 'never expires'}
                            {one.lastUsed ? (
                                <>
                                    , used <Ago at={one.lastUsed} />
                                </>
                            ) : (
                                ', not used yet'
                            )}
                        </small>
                        {configure && <Button kind="bare" icon="trash" label={`Revoke ${one.name}`} onClick={() => confirm(`Revoke “${one.name}”?`, <p>Whoever uses it is refused from now on.</p>, 'Revoke', async () => { await call(at`/api/tokens/${one.id}`, { method: 'DELETE' }); learn(); })} />}
                    </li>
                ))}
            </ul>
        </section>
    );
}
