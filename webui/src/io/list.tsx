import { useState } from 'preact/hooks';
import type { InstanceSummary, Module } from '../contract';
import { hasDraft } from '../drafts';
import { to } from '../router';
import { loaded, may, moduleById, modules, summaries } from '../store';
import { Empty, Left, Loading, Menu, Since } from '../ui/basics';
import { Icon } from '../ui/icons';
import { Glyph, stateWord, toneOfInstance, type Tone } from '../ui/state';
import { addItems } from './deeds';

const tones: [Tone, string][] = [
    ['bad', 'faulted'],
    ['waiting', 'waiting'],
    ['busy', 'connecting'],
    ['good', 'well'],
    ['off', 'stopped'],
];

function Row({ one, module, chosen }: { one: InstanceSummary; module: Module | undefined; chosen: boolean }) {
    return (
        <li>
            <a href={to('io', one.name)} aria-current={chosen ? 'page' : undefined} class="entry">
                <Glyph tone={toneOfInstance(one)} />
                <span class="name">
                    {one.name}
                    {hasDraft(`instance:${one.name}`) && <span class="mark">unsaved</span>}
                </span>
                <span class="state">
                    {stateWord(module, one)}
                    {one.nextRetryAt !== undefined ? (
                        <span class="for">
                            , retry in <b><Left until={one.nextRetryAt} /></b>
                        </span>
                    ) : (
                        one.since !== null && <span class="for"> for <Since at={one.since} /></span>
                    )}
                </span>
                <span class={`more ${one.lastError ? 'error' : ''}`}>{one.lastError ?? one.phaseSentence ?? one.address ?? ''}</span>
                <span class="flags">
                    {one.warnings ? (
                        <span class="flag warn" title="It has warnings">
                            <Icon name="warn" />
                            <span class="unseen">has warnings</span>
                        </span>
                    ) : null}
                    {one.badges?.map((id) => (
                        <span key={id} class="flag" title={module?.groups.flatMap((group) => group.settings).find((each) => each.id === id)?.label}>
                            {id === 'log-comms' ? 'frames' : id === 'extended-logging' ? 'log+' : id}
                        </span>
                    ))}
                </span>
            </a>
        </li>
    );
}

export function InstanceList({ chosen }: { chosen: string | undefined }) {
    const [search, setSearch] = useState('');
    const [tone, setTone] = useState<Tone | null>(null);
    const all = summaries.value;
    const fits = (one: InstanceSummary) => (tone === null || toneOfInstance(one) === tone) && `${one.name} ${one.address ?? ''}`.toLowerCase().includes(search.toLowerCase());
    const used = modules.value.filter((one) => all.some((each) => each.module === one.id));
    const counts = tones.map(([which, word]) => ({ which, word, count: all.filter((one) => toneOfInstance(one) === which).length })).filter((one) => one.count > 0);
    return (
        <nav class="list" aria-label="Instances">
            <header>
                <h1>IO Modules</h1>
                {may('configure') && (
                    <Menu label="Add" icon="add" items={addItems()}>
                        Add
                    </Menu>
                )}
            </header>
            {all.length > 1 && (
                <div class="counts" role="group" aria-label="Show only">
                    {counts.map(({ which, word, count }) => (
                        <button key={which} type="button" aria-pressed={tone === which} onClick={() => setTone(tone === which ? null : which)}>
                            <Glyph tone={which} />
                            {count} {word}
                        </button>
                    ))}
                </div>
            )}
            {all.length > 8 && (
                <label class="search">
                    <Icon name="search" />
                    <input type="search" aria-label="Find an instance" placeholder="Find by name or address" value={search} onInput={(event) => setSearch(event.currentTarget.value)} />
                </label>
            )}
            {!loaded.value && <Loading />}
            {loaded.value && all.length === 0 && (
                <Empty>
                    <p>Nothing is connected yet.</p>
                    {modules.value
                        .filter((one) => one.groups.length)
                        .map((one) => (
                            <a key={one.id} class="button main" href={to('io', '+', one.id)}>
                                New {one.label}
                            </a>
                        ))}
                </Empty>
            )}
            {used.map((module) => {
                const its = all.filter((one) => one.module === module.id && fits(one));
                if (!its.length) return null;
                return (
                    <section key={module.id}>
                        <h2 title={module.help}>
                            {module.label} <small>{used.some((one) => one !== module && one.label === module.label) ? `${module.id} ` : ''}{module.version}</small>
                        </h2>
                        <ul>
                            {its.map((one) => (
                                <Row key={one.name} one={one} module={moduleById(one.module)} chosen={one.name === chosen} />
                            ))}
                        </ul>
                    </section>
                );
            })}
            {modules.value
                .filter((one) => one.problem)
                .map((one) => (
                    <div key={one.id} class="note error">
                        <Icon name="error" />
                        <div>
                            <strong>{one.label}</strong>{modules.value.some((each) => each !== one && each.label === one.label) ? ` (${one.id})` : ''} {one.problem}
                        </div>
                    </div>
                ))}
        </nav>
    );
}
