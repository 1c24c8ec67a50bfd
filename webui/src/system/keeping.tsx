import { useEffect, useRef, useState } from 'preact/hooks';
import { at, call, sentenceOf } from '../api';
import { dateOf } from '../clock';
import type { Certificate, File as HostFile, Secret } from '../contract';
import { exposed } from '../exposed';
import { may } from '../store';
import { Button, Empty, Note, tell } from '../ui/basics';
import { confirm, FormDialog, show } from '../ui/dialogs';

const users = (by: string[]): string => (by.length ? `used by ${by.join(', ')}` : 'not used');
const complain = (why: unknown) => tell(sentenceOf(why), true);

function SecretForm({ of, close, done }: { of?: Secret; close: () => void; done: () => void }) {
    const [name, setName] = useState(of?.name ?? '');
    const [value, setValue] = useState('');
    return (
        <FormDialog
            word="Save"
            ready={name !== '' && value !== ''}
            act={async () => {
                await call(at`/api/secrets/${name}`, { method: 'PUT', body: { value }, ...(of ? { revision: of.revision } : {}) }).finally(done);
                tell('The secret is saved. It is shown nowhere.');
            }}
            close={close}
        >
            {!of && (
                <div class="field">
                    <label for="secret-name">Name</label>
                    <input id="secret-name" autofocus autocapitalize="none" spellcheck={false} value={name} onInput={(event) => setName(event.currentTarget.value)} />
                    <p class="help">Written in settings and rules as {'${secret:NAME}'}.</p>
                </div>
            )}
            <div class="field">
                <label for="secret-value">{of ? 'New value' : 'Value'}</label>
                <input id="secret-value" type="password" autocomplete="new-password" value={value} onInput={(event) => setValue(event.currentTarget.value)} />
            </div>
        </FormDialog>
    );
}

export function Secrets() {
    const [secrets, setSecrets] = useState<Secret[]>([]);
    const learn = () => void call<Secret[]>('/api/secrets', { idle: true }).then(setSecrets, () => {});
    useEffect(learn, []);
    return (
        <section class="card" aria-labelledby="secrets-title">
            <header>
                <h2 id="secrets-title">Secrets</h2>
                <Button icon="add" onClick={() => show('New secret', (close) => <SecretForm close={close} done={learn} />)}>
                    Add
                </Button>
            </header>
            <p class="help">Their values go in here and nowhere out: not in this page, not in a download, not in the log.</p>
            {!secrets.length && <Empty>None.</Empty>}
            <ul class="table">
                {secrets.map((one) => (
                    <li key={one.name}>
                        <code class="name">{one.name}</code>
                        <small class="grow">{users(one.usedBy)}</small>
                        <Button kind="bare" label={`Change ${one.name}`} onClick={() => show(`Change ${one.name}`, (close) => <SecretForm of={one} close={close} done={learn} />)}>
                            Change
                        </Button>
                        <Button kind="bare" icon="trash" disabled={one.usedBy.length > 0} label={`Remove ${one.name}`} onClick={() => confirm(`Remove ${one.name}?`, <p>Nothing uses it.</p>, 'Remove', async () => { await call(at`/api/secrets/${one.name}`, { method: 'DELETE', revision: one.revision }).finally(learn); })} />
                    </li>
                ))}
            </ul>
        </section>
    );
}

export function Files() {
    const [files, setFiles] = useState<HostFile[]>([]);
    const chooser = useRef<HTMLInputElement>(null);
    const learn = () => void call<HostFile[]>('/api/files', { idle: true }).then(setFiles, () => {});
    useEffect(learn, []);
    const put = async (file: File, revision?: string) => {
        await call(at`/api/files/${file.name}`, { method: 'PUT', body: file, type: 'application/octet-stream', ...(revision ? { revision } : {}) }).finally(learn);
        tell(`${file.name} is there.`);
    };
    return (
        <section class="card" aria-labelledby="files-title">
            <header>
                <h2 id="files-title">Files</h2>
                <input
                    ref={chooser}
                    type="file"
                    hidden
                    aria-label="File to upload"
                    onChange={(event) => {
                        const chosen = event.currentTarget.files?.[0];
                        const there = files.find((one) => one.name === chosen?.name);
                        if (chosen && there) confirm(`Replace ${chosen.name}?`, <p>It is {users(there.usedBy)}. The one that is there now is lost.</p>, 'Replace', () => put(chosen, there.revision));
                        else if (chosen) put(chosen).catch(complain);
                        event.currentTarget.value = '';
                    }}
                />
                <Button icon="upload" onClick={() => chooser.current?.click()}>
                    Upload
                </Button>
            </header>
            <p class="help">Certificates and keys that settings name. They cannot be downloaded again.</p>
            {!files.length && <Empty>None.</Empty>}
            <ul class="table">
                {files.map((one) => (
                    <li key={one.name}>
                        <code class="name">{one.name}</code>
                        <small class="grow">
                            {one.size} B, {dateOf(one.changed)}, {users(one.usedBy)}
                        </small>
                        <Button kind="bare" icon="trash" disabled={one.usedBy.length > 0} label={`Remove ${one.name}`} onClick={() => confirm(`Remove ${one.name}?`, <p>Nothing uses it.</p>, 'Remove', async () => { await call(at`/api/files/${one.name}`, { method: 'DELETE', revision: one.revision }).finally(learn); })} />
                    </li>
                ))}
            </ul>
        </section>
    );
}

function CertificateForm({ close, done }: { close: () => void; done: (one: Certificate) => void }) {
    const [certificate, setCertificate] = useState('');
    const [key, setKey] = useState('');
    return (
        <FormDialog
            word="Use it"
            ready={certificate !== '' && key !== ''}
            act={async () => {
                done(await call<Certificate>('/api/certificate', { method: 'PUT', body: { certificate, key } }));
                tell('The certificate is used from the next connection on.');
            }}
            close={close}
        >
            <div class="field">
                <label for="certificate-pem">Certificate and its chain (PEM)</label>
                <textarea id="certificate-pem" class="code" rows={6} spellcheck={false} placeholder="-----BEGIN CERTIFICATE-----" value={certificate} onInput={(event) => setCertificate(event.currentTarget.value)} />
            </div>
            <div class="field">
                <label for="certificate-key">Its key (PEM)</label>
                <textarea id="certificate-key" class="code" rows={4} spellcheck={false} placeholder="-----BEGIN PRIVATE KEY-----" value={key} onInput={(event) => setKey(event.currentTarget.value)} />
            </div>
        </FormDialog>
    );
}

export function Https() {
    const [certificate, setCertificate] = useState<Certificate | null>(null);
    useEffect(() => void call<Certificate>('/api/certificate', { idle: true }).then(setCertificate, () => {}), []);
    const configure = may('configure');
    return (
        <section class="card" aria-labelledby="https-title">
            <header>
                <h2 id="https-title">HTTPS certificate</h2>
                {configure && (
                    <span class="row wrap">
                        <Button onClick={() => show('Certificate of your own', (close) => <CertificateForm close={close} done={setCertificate} />)}>Replace …</Button>
                        <Button onClick={() => confirm('Make a new certificate?', <p>Browsers that trusted the old one ask again.</p>, 'Make a new one', async () => setCertificate(await call<Certificate>('/api/certificate', { method: 'DELETE' })))}>Generate anew …</Button>
                    </span>
                )}
            </header>
            {exposed && (
                <Note kind="warn" title="This page comes over HTTP, and others on the network can read along, passwords and tokens too.">
                    <p>Start the host without --web-plain, and it serves HTTPS.</p>
                </Note>
            )}
            <p class="help">
                {location.protocol === 'https:' ? 'This page comes over HTTPS.' : !exposed && 'This page comes over HTTP, and does not leave the computer that you sit at.'}
                {certificate?.subject && ` The certificate is ${certificate.generated ? 'generated by the controller' : 'your own'}.`}
            </p>
            {certificate?.subject && (
                <dl class="facts">
                    <div>
                        <dt>Subject</dt>
                        <dd>{certificate.subject}</dd>
                    </div>
                    {certificate.notAfter !== undefined && (
                        <div>
                            <dt>Valid until</dt>
                            <dd>{dateOf(certificate.notAfter)}</dd>
                        </div>
                    )}
                    {certificate.fingerprint && (
                        <div>
                            <dt>SHA-256</dt>
                            <dd>
                                <code>{certificate.fingerprint}</code>
                            </dd>
                        </div>
                    )}
                </dl>
            )}
        </section>
    );
}
