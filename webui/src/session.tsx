import { useEffect, useRef, useState } from 'preact/hooks';
import { call, sentenceOf } from './api';
import type { Session } from './contract';
import { exposed } from './exposed';
import { learnSession } from './store';
import { Button, Note } from './ui/basics';

/** What is shown to somebody who may not see anything yet. */
export function Gate({ session }: { session: Session }) {
    const first = session.state === 'first-password';
    const [code, setCode] = useState('');
    const [password, setPassword] = useState('');
    const [again, setAgain] = useState('');
    const [problem, setProblem] = useState('');
    const [busy, setBusy] = useState(false);
    const form = useRef<HTMLFormElement>(null);
    useEffect(() => form.current?.querySelector('input')?.focus(), []);
    const differs = first && again !== '' && password !== again;
    return (
        <main class="gate">
            <form
                ref={form}
                class="card"
                onSubmit={(event) => {
                    event.preventDefault();
                    setBusy(true);
                    setProblem('');
                    const done = first ? call('/api/password/first', { method: 'POST', body: { code, password } }) : call('/api/session', { method: 'POST', body: { password } });
                    done.then(learnSession)
                        .catch((why: unknown) => setProblem(sentenceOf(why)))
                        .finally(() => setBusy(false));
                }}
            >
                <h1>{first ? 'Set a password' : 'Log in'}</h1>
                {first && <p class="help">This controller has no password yet. Its console has printed a one-time code, so that only somebody who can see the console may set one.</p>}
                {/* A name, so that password managers know what they keep. */}
                <input type="text" name="username" autocomplete="username" value="controller" hidden readOnly />
                {first && (
                    <div class="field">
                        <label for="gate-code">One-time code</label>
                        <input id="gate-code" autocomplete="one-time-code" autocapitalize="none" spellcheck={false} value={code} onInput={(event) => setCode(event.currentTarget.value)} />
                    </div>
                )}
                <div class="field">
                    <label for="gate-password">{first ? 'New password' : 'Password'}</label>
                    <input id="gate-password" type="password" autocomplete={first ? 'new-password' : 'current-password'} value={password} onInput={(event) => setPassword(event.currentTarget.value)} />
                    {first && <p class="help">At least 8 characters; a few words are better than signs.</p>}
                </div>
                {first && (
                    <div class="field">
                        <label for="gate-again">Once more</label>
                        <input id="gate-again" type="password" autocomplete="new-password" aria-invalid={differs} value={again} onInput={(event) => setAgain(event.currentTarget.value)} />
                        {differs && <p class="error">The two differ.</p>}
                    </div>
                )}
                {exposed && (
                    <Note kind="warn" title="This page comes over HTTP.">
                        <p>Others on the network can read the password along. Log in only where you trust the network.</p>
                    </Note>
                )}
                <div aria-live="assertive">{problem && <Note kind="error">{problem}</Note>}</div>
                <Button kind="main" type="submit" busy={busy} disabled={password === '' || (first && (code === '' || password.length < 8 || password !== again))}>
                    {first ? 'Set password and go on' : 'Log in'}
                </Button>
            </form>
        </main>
    );
}
