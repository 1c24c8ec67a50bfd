import { effect } from '@preact/signals';
import { render } from 'preact';
import { useEffect } from 'preact/hooks';
import { line, outOfDate, tryNow } from './channel';
import { clockTime } from './clock';
import { IoTab } from './io/tab';
import { LogTab } from './log/tab';
import { route, to } from './router';
import { RulesTab } from './rules/tab';
import { Gate } from './session';
import { learnSession, session, summaries } from './store';
import './style.css';
import { SystemTab } from './system/tab';
import './theme';
import { Button, Loading, Teller } from './ui/basics';
import { Dialogs } from './ui/dialogs';
import { Icon, type IconName } from './ui/icons';
import { toneOfInstance } from './ui/state';

const tabs: [id: string, label: string, icon: IconName][] = [
    ['io', 'IO Modules', 'io'],
    ['rules', 'Rules', 'rules'],
    ['log', 'Log', 'log'],
    ['system', 'System', 'system'],
];

const tabOf = (first: string | undefined): string => (first === 'trace' || first === 'variables' ? 'rules' : (tabs.find(([id]) => id === first)?.[0] ?? 'io'));

/** How the page itself is connected: seldom of interest, but never hidden. */
function LineBanner() {
    const { state, since, sentence } = line.value;
    if (outOfDate.value)
        return (
            <div class="banner info" role="status">
                <p>The controller has a newer version of this page.</p>
                <Button onClick={() => location.reload()}>Load it</Button>
            </div>
        );
    if (state !== 'cut') return null;
    return (
        <div class="banner" role="alert">
            <p>
                {sentence ?? 'The connection to the controller is lost.'} What you see is from {clockTime(since)} and may be out of date; it comes back by itself.
            </p>
            <Button onClick={tryNow}>Try now</Button>
        </div>
    );
}

function Shell() {
    const [first, ...rest] = route.value;
    const tab = tabOf(first);
    const project = session.value?.project;
    const bad = summaries.value.filter((one) => toneOfInstance(one) === 'bad').length;
    useEffect(() => {
        document.title = `${tabs.find(([id]) => id === tab)?.[1]}${project ? ` – ${project}` : ''}`;
    }, [tab, project]);
    const { state } = line.value;
    return (
        <>
            <a class="skip" href="#main" onClick={(event) => {
                event.preventDefault();
                document.querySelector<HTMLElement>('main')?.focus();
            }}>
                To the content
            </a>
            {(tab === 'io' || tab === 'rules') && (
                <a class="skip" href="#main" onClick={(event) => {
                    event.preventDefault();
                    const opened = document.querySelector<HTMLElement>('.two > .main');
                    if (opened) {
                        opened.tabIndex = -1;
                        opened.focus();
                    }
                }}>
                    Past the list
                </a>
            )}
            <header class="top">
                <p class="brand">
                    <img src="/icon.svg" alt="" width="26" height="26" />
                    <span>{project ?? 'Controller'}</span>
                </p>
                <nav class="tabs" aria-label="Main">
                    {tabs.map(([id, label, icon]) => (
                        <a key={id} href={to(id)} aria-current={tab === id ? 'page' : undefined}>
                            <Icon name={icon} />
                            <span>{label}</span>
                            {id === 'io' && bad > 0 && (
                                <b class="alarm">
                                    {bad}
                                    <span class="unseen"> faulted</span>
                                </b>
                            )}
                        </a>
                    ))}
                </nav>
                <p class={`live ${state}`} role="status">
                    <i />
                    <span>{state === 'open' ? 'Live' : state === 'cut' ? 'Cut' : '…'}</span>
                </p>
            </header>
            <LineBanner />
            <main id="main" tabIndex={-1}>
                {tab === 'io' && <IoTab path={rest} />}
                {tab === 'rules' && <RulesTab path={first === 'rules' ? rest : []} part={first === 'trace' || first === 'variables' ? first : 'rules'} />}
                {tab === 'log' && <LogTab />}
                {tab === 'system' && <SystemTab />}
            </main>
        </>
    );
}

function App() {
    const { value } = session;
    return (
        <>
            {value === null ? <Loading /> : value.rights.length ? <Shell /> : <Gate key={value.state} session={value} />}
            <Teller />
            <Dialogs />
        </>
    );
}

effect(() => {
    // The host has ended the session: it knows what is to be shown now.
    if (line.value.state === 'ended') void learnSession().catch(() => {});
});

const root = document.getElementById('app');
if (root) {
    root.textContent = '';
    render(<App />, root);
}

/** Until the controller answers once, there is nothing to show. */
async function begin(): Promise<void> {
    for (let delay = 300; ; delay = Math.min(3000, delay * 2)) {
        try {
            await learnSession();
            return;
        } catch {
            await new Promise((go) => setTimeout(go, delay));
        }
    }
}
void begin();
