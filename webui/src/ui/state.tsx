import type { InstanceSummary, Module } from '../contract';

export type Tone = 'good' | 'busy' | 'waiting' | 'bad' | 'off';

const tones: Record<string, Tone> = {
    ready: 'good', good: 'good', ok: 'good', online: 'good', running: 'good', connected: 'good',
    resolving: 'busy', connecting: 'busy', securing: 'busy', upgrading: 'busy', established: 'busy', closing: 'busy', starting: 'busy', polling: 'busy',
    waiting: 'waiting', stale: 'waiting', degraded: 'waiting', retrying: 'waiting',
    faulted: 'bad', error: 'bad', failed: 'bad', offline: 'bad', broken: 'bad', fault: 'bad',
    stopped: 'off', off: 'off', idle: 'off', disabled: 'off',
};

/** A state as a colour and a shape; a stranger's word that nobody knows is neither good nor bad. */
export const toneOf = (state: string | null): Tone => (state === null ? 'off' : (tones[state] ?? 'off'));

export const toneOfInstance = (one: InstanceSummary): Tone => (one.phase === 'broken' ? 'bad' : one.phase === 'running' ? toneOf(one.state) : 'busy');

/** Where a connection fails, and the steps that it takes, for people. */
export const layers: Record<string, string> = {
    settings: 'Settings', dns: 'Name', tcp: 'TCP connection', proxy: 'Proxy', tls: 'Encryption (TLS)', http: 'HTTP answer', upgrade: 'WebSocket upgrade',
    protocol: 'WebSocket protocol', close: 'Connection closed', liveness: 'Line is dead', local: 'This controller',
};

/** Filled, ring, triangle …: the state must not hang on colour alone. */
export const Glyph = ({ tone }: { tone: Tone }) => (
    <svg class={`glyph ${tone}`} viewBox="0 0 16 16" aria-hidden="true">
        {tone === 'good' && <circle cx="8" cy="8" r="6" />}
        {tone === 'busy' && <path d="M8 2a6 6 0 1 1-6 6" />}
        {tone === 'waiting' && (
            <>
                <circle class="ring" cx="8" cy="8" r="5.500" />
                <path d="M8 5v3.200l2 1.300" />
            </>
        )}
        {tone === 'bad' && <path class="fill" d="M8 1.500 15 14H1z" />}
        {tone === 'off' && <circle class="ring" cx="8" cy="8" r="5" />}
    </svg>
);

export const stateChoice = (module: Module | undefined, state: string | null) =>
    module?.statuses.find((one) => one.id === module.stateStatus)?.choices?.find((one) => one.value === state);

export const stateWord = (module: Module | undefined, one: InstanceSummary): string =>
    one.phase === 'broken' ? 'Module failed' : one.phase === 'restarting' ? 'Restarting' : (stateChoice(module, one.state)?.label ?? one.state ?? 'No state');
