import type { Tried } from '../contract';
import { Icon } from '../ui/icons';
import { actionInWords, actionOf } from './words';

const Mark = ({ good }: { good: boolean }) => (
    <span class={`tick ${good ? 'good' : 'error'}`}>
        <Icon name={good ? 'check' : 'close'} />
        <span class="unseen">{good ? 'holds:' : 'does not hold:'}</span>
    </span>
);

/** What a rule would make of an event, step by step; readable without knowing how rules work. */
export function TriedView({ tried, title }: { tried: Tried; title?: string }) {
    const fires = tried.said === 'fired';
    // What is listed below with a cross needs no second telling.
    const told = tried.said === 'no-match' || tried.said === 'condition';
    return (
        <div class={`tried ${fires ? 'good' : 'no'}`}>
            <p class="verdict">
                <Mark good={fires} />
                {title ? <b>{title}:</b> : null} {fires ? 'It would fire.' : told ? 'It would not fire.' : `It would not fire. ${tried.sentence}`}
            </p>
            {(tried.matches.length > 0 || tried.conditions.length > 0) && (
                <ul>
                    {tried.matches.map((one, i) => (
                        <li key={`m${i}`}>
                            <Mark good={one.holds} />
                            The message {one.sentence}
                        </li>
                    ))}
                    {tried.conditions.map((one, i) => (
                        <li key={`c${i}`}>
                            <Mark good={one.holds} />
                            <code>{one.written}</code>: {one.sentence}
                        </li>
                    ))}
                </ul>
            )}
            {tried.captures.length > 0 && (
                <dl class="captures">
                    {tried.captures.map((one) => (
                        <div key={one.number}>
                            <dt>
                                <code>{`\${${one.name ?? one.number}}`}</code>
                            </dt>
                            <dd>{one.value}</dd>
                        </div>
                    ))}
                </dl>
            )}
            {tried.would.map((one, i) => (
                <div key={i} class="would">
                    <p>
                        It would do <b title={one.action}>{actionInWords(one.action)}</b>
                        {one.after ? ` after ${one.after}` : ''}
                        {one.sentence ? `, but: ${one.sentence}` : ''}
                    </p>
                    {Object.entries(one.arguments).map(([name, value]) => (
                        <div key={name} class="argument">
                            <span>{actionOf(one.action, { on: [] })?.arguments.find((each) => each.id === name)?.label ?? name}</span>
                            <pre aria-label={name} tabIndex={0}>
                                {value}
                            </pre>
                        </div>
                    ))}
                </div>
            ))}
        </div>
    );
}
