import { computed, signal, type Signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { call, whenLoggedOut } from './api';
import { connect, disconnect, listen } from './channel';
import type { Instance, InstanceChange, InstanceSummary, Module, ModulesState, Rules, Session, System } from './contract';

/** What the page knows of the controller. It stands as it was last told while the channel is cut. */
export const session = signal<Session | null>(null);
export const modules = signal<Module[]>([]);
export const order = signal<string[]>([]);
export const instances = signal<Record<string, InstanceSummary>>({});
export const loaded = signal(false);

export const summaries = computed(() => order.value.flatMap((name) => instances.value[name] ?? []));
export const moduleById = (id: string): Module | undefined => modules.value.find((one) => one.id === id);
export const moduleOf = (instance: string): Module | undefined => moduleById(instance === 'host' ? 'host' : (instances.value[instance]?.module ?? ''));
export const may = (right: 'read' | 'operate' | 'configure'): boolean => session.value?.rights.includes(right) ?? false;

let tokens = '';
async function learnModules(of: Record<string, string>): Promise<void> {
    const wanted = JSON.stringify(of);
    if (wanted === tokens) return;
    tokens = wanted;
    try {
        modules.value = await call<Module[]>('/api/modules', { idle: true });
    } catch {
        tokens = '';
    }
}

function merged(before: InstanceSummary | undefined, change: InstanceChange): InstanceSummary {
    const made: Record<string, unknown> = { ...before };
    for (const [key, value] of Object.entries(change)) {
        if (value === null && key !== 'state' && key !== 'since') delete made[key];
        else made[key] = value;
    }
    return made as InstanceSummary;
}

async function begin(state: ModulesState): Promise<void> {
    await learnModules(state.modules);
    order.value = state.order;
    instances.value = state.instances;
    loaded.value = true;
}

let stop: (() => void) | null = null;

/** After log-in: opens the channel and follows all instances. */
export function follow(): void {
    connect();
    stop ??= listen(
        'modules',
        {},
        (state) => void begin(state),
        (change) => {
            if (change.modules) void learnModules(change.modules);
            const next = { ...instances.value };
            for (const [name, one] of Object.entries(change.instances ?? {})) next[name] = merged(next[name], one);
            if (change.order) {
                for (const name of Object.keys(next)) if (!change.order.includes(name)) delete next[name];
                order.value = change.order;
            }
            instances.value = next;
        },
    );
}

export async function learnSession(): Promise<void> {
    session.value = await call<Session>('/api/session', { idle: true });
    if (session.value.rights.length) follow();
}

whenLoggedOut(() => {
    disconnect();
    session.value = { state: 'log-in', rights: [] };
});

/** Follows a topic while the component is there; null until it was told. */
function useTopic<T>(key: string, begin: (into: Signal<T | null | undefined>) => () => void): Signal<T | null | undefined> {
    const made = useMemo(() => signal<T | null | undefined>(undefined), [key]);
    useEffect(() => begin(made), [key]);
    return made;
}

/** undefined: not told yet; null: there is no such instance. */
export const useInstance = (name: string): Signal<Instance | null | undefined> =>
    useTopic<Instance>(`instance ${name}`, (into) =>
        listen(
            'instance',
            { instance: name },
            (state) => (into.value = state),
            (change) => {
                if (change.instance !== undefined) into.value = change.instance;
                if (change.statuses && into.value) into.value = { ...into.value, statuses: { ...into.value.statuses, ...change.statuses } };
            },
        ),
    );

export const useRules = (): Signal<Rules | null | undefined> =>
    useTopic<Rules>('rules', (into) =>
        listen(
            'rules',
            {},
            (state) => (into.value = state),
            (change) => {
                const before = change.rules ?? into.value;
                if (!before) return;
                const { reports = {}, variables = {} } = change;
                into.value = {
                    ...before,
                    rules: before.rules.map((one) => ({ ...one, report: reports[one.name] ?? one.report })),
                    variables: before.variables.map((one) => ({ ...one, ...variables[one.name] })),
                };
            },
        ),
    );

export const useSystem = (): Signal<System | null | undefined> =>
    useTopic<System>('system', (into) =>
        listen(
            'system',
            {},
            (state) => (into.value = state),
            (change) => (into.value = change),
        ),
    );
