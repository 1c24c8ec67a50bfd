import { useEffect, useState } from 'preact/hooks';
import { at, call } from '../api';
import { line } from '../channel';
import { clockTime, now } from '../clock';
import type { Field, History, Instance, Module, Status } from '../contract';
import { Ago, At } from '../ui/basics';
import { Plot, Ribbon, type Stretch } from '../ui/plots';
import { layers } from '../ui/state';
import { grouped } from '../ui/values';

/** Where 0 says that there is none. */
const noneAtZero = ['attempt', 'next-retry'];

function shown(field: Field, status: Status): string {
    const { value } = status;
    if (value === null || value === '' || (value === 0 && noneAtZero.includes(field.id))) return '–';
    if (typeof value === 'boolean') return value ? 'yes' : 'no';
    if (field.choices) return field.choices.find((one) => one.value === value)?.label ?? String(value);
    if (typeof value === 'number') {
        return field.unit ? `${grouped(value)} ${field.unit}` : grouped(value);
    }
    if (field.id === 'attempt-times') return value.replace(/[a-z]+(?= \d)/g, (id) => layers[id] ?? id);
    // Dates that a module writes in UTC are told in the reader's time.
    if (/^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(value) && !Number.isNaN(Date.parse(value))) return clockTime(Date.parse(value));
    return value;
}

function Message({ label, status }: { label: string; status: Status }) {
    const text = typeof status.value === 'string' ? status.value : '';
    return (
        <div class="message">
            <h2>
                {label}
                {status.at !== null && status.value !== null && <Ago at={status.at} />}
            </h2>
            <pre tabIndex={0} aria-label={label}>{text === '' ? 'nothing yet' : text}</pre>
            <small class="help">{[status.hex ? 'binary, as hex' : '', status.cut ? 'cut at 4 KiB' : ''].filter(Boolean).join(', ')}</small>
        </div>
    );
}

function useHistory(name: string): History | null {
    const [history, setHistory] = useState<History | null>(null);
    const open = line.value.state === 'open';
    useEffect(() => {
        if (!open) return;
        let mine = true;
        const learn = () => {
            if (document.hidden) return;
            call<History>(at`/api/instances/${name}/history`, { idle: true }).then(
                (one) => mine && setHistory(one),
                () => {},
            );
        };
        learn();
        const timer = setInterval(learn, 10000);
        return () => {
            mine = false;
            clearInterval(timer);
        };
    }, [name, open]);
    return history?.name === name ? history : null;
}

function Plots({ instance, module }: { instance: Instance; module: Module }) {
    const history = useHistory(instance.summary.name);
    if (!history) return null;
    const { from, step, roundTrip, sent, received, states } = history;
    const end = now.peek();
    const labels = module.statuses.find((one) => one.id === module.stateStatus)?.choices ?? [];
    const stretches: Stretch[] = states.map((one, i) => ({
        from: one.at,
        to: states[i + 1]?.at ?? end,
        state: one.state,
        label: one.state === null ? 'not running' : (labels.find((each) => each.value === one.state)?.label ?? one.state),
    }));
    return (
        <div class="plots">
            <Ribbon title="Last hour" stretches={stretches} from={from} to={end} />
            {roundTrip.some((one) => one !== null) && <Plot title="Round trip" unit="ms" from={from} step={step} gap={60_000} series={[{ label: 'round trip', values: roundTrip, style: 'one' }]} />}
            {(module.statuses.some((one) => one.id === 'messages-received') || sent.some((one) => one)) && (
                <Plot
                    title="Messages"
                    unit="/s"
                    from={from}
                    step={step}
                    series={[
                        { label: 'received', values: received, style: 'one' },
                        { label: 'sent', values: sent, style: 'two' },
                    ]}
                />
            )}
        </div>
    );
}

export function Overview({ instance, module }: { instance: Instance; module: Module }) {
    const messages = module.statuses.filter((one) => one.type === 'data');
    const rest = module.statuses.filter((one) => one.type !== 'data' && one.id !== module.stateStatus && !(one.id.startsWith('last-error') && (instance.summary.lastError || !instance.statuses['last-error']?.value)) && !(one.id === 'next-retry' && instance.summary.nextRetryAt !== undefined));
    return (
        <>
            {messages.length > 0 && (
                <div class="messages">
                    {messages.map((one) => (
                        <Message key={one.id} label={one.label} status={instance.statuses[one.id] ?? { value: null, at: null }} />
                    ))}
                </div>
            )}
            <Plots instance={instance} module={module} />
            <section class="card">
                <h2>Status</h2>
                <dl class="statuses">
                    {rest.map((one) => {
                        const status = instance.statuses[one.id] ?? { value: null, at: null };
                        return (
                            <div key={one.id}>
                                <dt title={one.help}>{one.label}</dt>
                                <dd>{shown(one, status)}</dd>
                                <dd class="at">{status.at !== null && <At at={status.at} />}</dd>
                            </div>
                        );
                    })}
                </dl>
            </section>
        </>
    );
}
