import { signal } from '@preact/signals';
import { haltClock, hearClock } from './clock';
import type { FromPage, Rights, SubscribeFilter, ToPage } from './contract';

type Full = Extract<ToPage, { type: 'full' }>;
type Change = Extract<ToPage, { type: 'change' }>;
export type Topic = Full['topic'];
export type StateOf<T extends Topic> = Extract<Full, { topic: T }>['state'];
export type ChangeOf<T extends Topic> = Extract<Change, { topic: T }>['change'];

type Subscription = {
    topic: Topic;
    filter: SubscribeFilter;
    next: number;
    full: (state: Full) => void;
    change: (change: Change) => void;
};

export type Line = { state: 'opening' | 'open' | 'cut' | 'ended'; since: number; sentence?: string };

/** How the channel is. */
export const line = signal<Line>({ state: 'opening', since: Date.now() });
/** The page's files on the host are others than these. */
export const outOfDate = signal(false);
export const channelRights = signal<Rights>([]);

const own = document.querySelector<HTMLMetaElement>('meta[name=page]')?.content ?? 'dev';
const subscriptions = new Map<number, Subscription>();
let socket: WebSocket | null = null;
let lastId = 0;
let failures = 0;
let timer = 0;
let wanted = false;

/** The host says something every 3 s at least: who hears nothing for so long talks to nobody. */
const longestSilence = 10_000;
let heard = 0;
let looked = 0;

function say(message: FromPage): void {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

const announce = (id: number, one: Subscription): void => {
    one.next = -1;
    say({ type: 'subscribe', id, topic: one.topic, filter: one.filter });
};

function hear(message: ToPage): void {
    heard = Date.now();
    switch (message.type) {
        case 'alive':
            hearClock(message.now);
            break;
        case 'hello':
            hearClock(message.now);
            failures = 0;
            channelRights.value = message.rights;
            outOfDate.value = own !== 'dev' && message.page !== own;
            line.value = { state: 'open', since: Date.now() };
            haltClock(false);
            for (const [id, one] of subscriptions) announce(id, one);
            break;
        case 'full': {
            const one = subscriptions.get(message.id);
            hearClock(message.now);
            if (!one || one.topic !== message.topic) break;
            one.next = 1;
            one.full(message);
            break;
        }
        case 'change': {
            const one = subscriptions.get(message.id);
            hearClock(message.now);
            if (!one || one.next < 0 || one.topic !== message.topic) break;
            if (message.seq !== one.next) {
                announce(message.id, one);
                break;
            }
            ++one.next;
            one.change(message);
            break;
        }
        case 'bye':
            if (message.reason === 'session-ended') {
                wanted = false;
                line.value = { state: 'ended', since: Date.now(), sentence: message.sentence };
            } else line.value = { ...line.value, sentence: message.sentence };
            break;
        case 'error':
            console.warn(`channel: ${message.sentence}`);
    }
}

/** What is on show is from then on what was. */
function lost(since: number, sentence?: string): void {
    if (line.value.state === 'open' || line.value.state === 'opening') {
        line.value = { state: 'cut', since, ...(sentence ? { sentence } : {}) };
        haltClock(true);
    }
    const delay = Math.min(5000, 500 * 2 ** failures++) * (0.75 + Math.random() / 2);
    timer = window.setTimeout(open, delay);
}

function open(): void {
    window.clearTimeout(timer);
    if (!wanted || socket) return;
    const opened = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/api/channel`, 'iom.page.1');
    socket = opened;
    heard = Date.now();
    opened.onmessage = (event) => {
        if (socket === opened) hear(JSON.parse(String(event.data)) as ToPage);
    };
    opened.onclose = (event) => {
        if (socket !== opened) return;
        socket = null;
        if (event.code === 4401) wanted = false;
        if (!wanted) {
            if (line.value.state !== 'ended') line.value = { state: 'ended', since: Date.now() };
            return;
        }
        lost(Date.now(), line.value.sentence);
    };
}

setInterval(() => {
    const at = Date.now();
    // A page that slept itself has not listened either: what came meanwhile is heard first.
    const slept = at - looked > 5000;
    looked = at;
    if (!socket || slept || at - heard < longestSilence) return;
    const silent = socket;
    socket = null;
    silent.close();
    lost(heard, 'The controller does not answer.');
}, 1000);

/** Keeps a channel open from now on. */
export function connect(): void {
    wanted = true;
    open();
}

export function disconnect(): void {
    wanted = false;
    window.clearTimeout(timer);
    socket?.close();
    socket = null;
}

/** Does not wait for the next attempt. */
export function tryNow(): void {
    if (line.value.state === 'cut') open();
}
window.addEventListener('online', tryNow);
document.addEventListener('visibilitychange', () => {
    if (!document.hidden) tryNow();
});

/** Listens to a topic until the answer is called. */
export function listen<T extends Topic>(
    topic: T,
    filter: SubscribeFilter,
    full: (state: StateOf<T>) => void,
    change: (change: ChangeOf<T>) => void,
): () => void {
    const id = ++lastId;
    const one: Subscription = {
        topic,
        filter,
        next: -1,
        // The topic was compared before: state and change are those of T.
        full: (message) => full(message.state as StateOf<T>),
        change: (message) => change(message.change as ChangeOf<T>),
    };
    subscriptions.set(id, one);
    if (line.peek().state === 'open') announce(id, one);
    return () => {
        subscriptions.delete(id);
        say({ type: 'unsubscribe', id });
    };
}
