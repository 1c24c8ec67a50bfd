import type { Match, Mistake } from '../contract';
import { Button } from './basics';
import { focusAdded, focusNext } from './focus';
import { Sentences } from './sentences';
import { mistakesAt } from './values';

const kinds: [Match['kind'], string][] = [
    ['contains', 'contains'],
    ['equals', 'is exactly'],
    ['prefix', 'begins with'],
    ['regex', 'fits the expression'],
    ['json', 'is JSON that has'],
];
const comparisons: [NonNullable<Match['op']> | '', string][] = [
    ['', 'at all'],
    ['=', '='],
    ['!=', '≠'],
    ['<', '<'],
    ['<=', '≤'],
    ['>', '>'],
    ['>=', '≥'],
];

type MatchProps = { match: Match; onChange: (match: Match) => void; onRemove?: ((event: Event) => void) | undefined; what: string; gates?: boolean; disabled?: boolean; mistakes: Mistake[]; id?: string };

/** Without members that hold nothing, or that no field shows. */
function tidy(match: Match): Match {
    const made: Record<string, unknown> = { ...match };
    for (const [key, value] of Object.entries(made)) if (key !== 'text' && (value === '' || value === undefined)) delete made[key];
    if (match.kind !== 'json') {
        delete made['pointer'];
        delete made['op'];
    } else if (!made['op']) made['text'] = '';
    return made as Match;
}

export function MatchRow({ match, onChange, onRemove, what, gates = false, disabled = false, mistakes, id }: MatchProps) {
    const put = (change: Partial<{ [key in keyof Match]: Match[key] | undefined }>) => onChange(tidy({ ...match, ...change } as Match));
    const wrong = mistakes.some((one) => !one.warning);
    const text = (
        <input
            class="code grow"
            aria-label={`${what}, text`}
            aria-invalid={wrong}
            disabled={disabled}
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            placeholder={match.kind === 'contains' ? 'anything' : match.kind === 'regex' ? '^ALARM (\\d+)' : ''}
            value={match.text}
            onInput={(event) => put({ text: event.currentTarget.value })}
        />
    );
    return (
        <div class="match" data-item>
            <div class="control wrap">
                <select {...(id ? { id } : {})} aria-label={`${what}, kind`} disabled={disabled} value={match.kind} onChange={(event) => put({ kind: event.currentTarget.value as Match['kind'] })}>
                    {kinds.map(([kind, word]) => (
                        <option key={kind} value={kind}>
                            {word}
                        </option>
                    ))}
                </select>
                {match.kind === 'json' ? (
                    <>
                        <input class="code grow" aria-label={`${what}, place in the JSON`} aria-invalid={wrong} disabled={disabled} placeholder="/alarm/level" spellcheck={false} autocapitalize="none" autocomplete="off" value={match.pointer ?? ''} onInput={(event) => put({ pointer: event.currentTarget.value })} />
                        <select aria-label={`${what}, comparison`} disabled={disabled} value={match.op ?? ''} onChange={(event) => put({ op: (event.currentTarget.value || undefined) as Match['op'] })}>
                            {comparisons.map(([op, word]) => (
                                <option key={op} value={op}>
                                    {word}
                                </option>
                            ))}
                        </select>
                        {match.op && text}
                    </>
                ) : (
                    text
                )}
                {onRemove && <Button icon="trash" kind="bare" disabled={disabled} label={`Remove ${what}`} onClick={onRemove} />}
            </div>
            <details class="finer" open={Boolean(match.onChange || match.debounce || match.atMost)}>
                <summary>{match.as ? `Kept as ${match.as}` : 'More'}</summary>
                <div class="grid">
                    <label>
                        Keep what was found as
                        <input disabled={disabled} spellcheck={false} autocapitalize="none" autocomplete="off" placeholder="name" value={match.as ?? ''} onInput={(event) => put({ as: event.currentTarget.value })} />
                    </label>
                    {gates && (
                        <>
                            <label>
                                Only when this has changed
                                <input disabled={disabled} spellcheck={false} autocapitalize="none" autocomplete="off" placeholder="name of what was kept" value={match.onChange ?? ''} onInput={(event) => put({ onChange: event.currentTarget.value })} />
                            </label>
                            <label>
                                Wait until it was quiet for
                                <input disabled={disabled} spellcheck={false} autocomplete="off" placeholder="250ms" value={match.debounce ?? ''} onInput={(event) => put({ debounce: event.currentTarget.value })} />
                            </label>
                            <label>
                                At most, in a second
                                <input disabled={disabled} type="number" min="1" inputMode="numeric" value={match.atMost ?? ''} onInput={(event) => put({ atMost: event.currentTarget.value === '' ? undefined : Number(event.currentTarget.value) })} />
                            </label>
                        </>
                    )}
                </div>
            </details>
            <Sentences id={`${what}-wrong`.replace(/\W+/g, '-')} mistakes={mistakes} />
        </div>
    );
}

/** Several may stand there; all must hold. */
export const MatchList = ({ matches, onChange, at, what, gates = false, disabled = false, mistakes, id, word = 'Add a match' }: { matches: Match[]; onChange: (matches: Match[]) => void; at: string; what: string; gates?: boolean; disabled?: boolean; mistakes: Mistake[]; id?: string; word?: string }) => (
    <div class="items">
        {matches.map((one, i) => (
            <MatchRow
                key={i}
                {...(id && i === 0 ? { id } : {})}
                match={one}
                what={matches.length > 1 ? `${what}, match ${i + 1}` : `${what}, match`}
                gates={gates}
                disabled={disabled}
                mistakes={mistakesAt(mistakes, `${at}/${i}`)}
                onChange={(next) => onChange(matches.with(i, next))}
                onRemove={(event) => {
                    focusNext(event);
                    onChange(matches.toSpliced(i, 1));
                }}
            />
        ))}
        <div class="control">
            <Button {...(id && matches.length === 0 ? { id } : {})} icon="add" disabled={disabled} label={`${matches.length ? 'And another match' : word}: ${what}`} onClick={(event) => {
                focusAdded(event);
                onChange([...matches, { kind: 'contains', text: '' }]);
            }}>
                {matches.length ? 'And' : word}
            </Button>
        </div>
    </div>
);
