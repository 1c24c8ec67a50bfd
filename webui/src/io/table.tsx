import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { check, edit, sentenceOf } from '../api';
import type { Check, Mistake, Module, Setting, Value, Values } from '../contract';
import { go } from '../router';
import { modules, summaries } from '../store';
import { Note, tell } from '../ui/basics';
import { FormDialog } from '../ui/dialogs';
import { Sentences } from '../ui/sentences';
import { mistakesAt } from '../ui/values';

type Row = { name: string; settings: Values };
type Table = { columns: (Setting | 'name')[]; unknown: string[]; rows: Row[] };

/** Tabs from a spreadsheet, else semicolons, else commas; quotes as spreadsheets write them. */
function cells(line: string, mark: string): string[] {
    const made: string[] = [];
    let cell = '';
    let quoted = false;
    for (let i = 0; i < line.length; ++i) {
        const one = line[i] ?? '';
        if (quoted) {
            if (one === '"' && line[i + 1] === '"') {
                cell += '"';
                ++i;
            } else if (one === '"') quoted = false;
            else cell += one;
        } else if (one === '"' && cell === '') quoted = true;
        else if (one === mark) {
            made.push(cell.trim());
            cell = '';
        } else cell += one;
    }
    made.push(cell.trim());
    return made;
}

export function readTable(text: string, module: Module): Table {
    const lines = text.split(/\r?\n/).filter((one) => one.trim() !== '');
    const first = lines[0] ?? '';
    const mark = ['\t', ';', ','].find((one) => first.includes(one)) ?? '\t';
    const settings = module.groups.flatMap((one) => one.settings);
    const find = (word: string): Setting | 'name' | undefined => {
        const plain = word.toLowerCase().trim();
        if (['name', 'instance'].includes(plain)) return 'name';
        return settings.find((one) => one.id === plain || one.label.toLowerCase() === plain || one.id === plain.replace(/\s+/g, '-'));
    };
    const head = cells(first, mark);
    const headed = head.some((one) => find(one) === 'name');
    const found = headed ? head.map(find) : ['name' as const, ...settings.filter((one) => !one.advanced).slice(0, head.length - 1)];
    const unknown = headed ? head.filter((one, i) => found[i] === undefined && one !== '') : [];
    const rows = lines.slice(headed ? 1 : 0).map((line): Row => {
        const row: Row = { name: '', settings: {} };
        cells(line, mark).forEach((cell, i) => {
            const column = found[i];
            if (!column) return;
            if (column === 'name') row.name = cell;
            else if (cell !== '') {
                const value: Value = column.list ? cell.split('|').map((one) => one.trim()) : column.type === 'match' ? [{ kind: 'contains', text: cell }] : column.type === 'steps' ? [{ send: cell }] : cell;
                row.settings[column.id] = value;
            }
        });
        return row;
    });
    return { columns: found.filter((one) => one !== undefined), unknown, rows };
}

const shown = (value: Value | undefined, setting: Setting): string => (value === undefined ? '' : setting.type === 'secret' ? '•••' : typeof value === 'string' ? value : JSON.stringify(value));

/** The module that knows most of the columns; of several the first. */
const bestFor = (text: string, usable: Module[]): Module | undefined => {
    const unknown = (one: Module) => readTable(text, one).unknown.length;
    return usable.reduce<Module | undefined>((best, one) => (best && unknown(best) <= unknown(one) ? best : one), undefined);
};

export function PasteTable({ close }: { close: () => void }) {
    const usable = modules.value.filter((one) => one.groups.length);
    const [chosen, setChosen] = useState('');
    const [like, setLike] = useState('');
    const [text, setText] = useState('');
    const [judged, setJudged] = useState<Check | null>(null);
    const [problem, setProblem] = useState('');
    const [onlyWrong, setOnlyWrong] = useState(false);
    const preview = useRef<HTMLDivElement>(null);
    const module = usable.find((one) => one.id === chosen) ?? bestFor(text, usable);
    const id = module?.id ?? '';
    const table = useMemo(() => (module && text.trim() ? readTable(text, module) : null), [text, module]);
    const body = table && { module: id, ...(like ? { like } : {}), rows: table.rows };
    const key = JSON.stringify(body);
    useEffect(() => {
        setProblem('');
        setJudged(null);
        if (!body?.rows.length) return;
        const mine = new AbortController();
        const timer = setTimeout(() => check('POST', '/api/instances/table', body, mine.signal).then(setJudged, (why: unknown) => mine.signal.aborted || setProblem(sentenceOf(why))), 150);
        return () => {
            clearTimeout(timer);
            mine.abort();
        };
    }, [key]);
    if (!module) return null;
    const mistakes = judged?.mistakes ?? [];
    const wrong = mistakes.filter((one) => !one.warning);
    const ofRow = (i: number): Mistake[] => mistakesAt(mistakes, `/rows/${i}`);
    const wrongRows = (table?.rows ?? []).flatMap((_, i) => (ofRow(i).some((one) => !one.warning) ? [i] : []));
    /** Where it is shown: what belongs to no column, at the name. */
    const columnOf = (one: Mistake) => table?.columns.find((column) => column !== 'name' && mistakesAt([one], `${/^\/rows\/\d+/.exec(one.at ?? '')?.[0]}/settings/${column.id}`).length > 0) ?? 'name';
    // Where the row stands, and in it the cell: on a phone both are seldom in view.
    const toFirstWrong = () => {
        const cell = preview.current?.querySelector<HTMLElement>('tr.wrong p.error');
        cell?.scrollIntoView({ block: 'center', inline: 'center' });
        cell?.focus({ preventScroll: true });
    };
    return (
        <FormDialog
            word={table ? `Add ${table.rows.length}` : 'Add'}
            ready={judged?.ok ?? false}
            act={async () => {
                await edit('POST', '/api/instances/table', body);
                tell(table?.rows.length === 1 ? '1 instance was added.' : `${table?.rows.length} instances were added.`);
                go('io');
            }}
            close={close}
            foot={
                <div aria-live="polite" class="grow">
                    {wrong.length > 0 ? (
                        <button type="button" class="link error" onClick={toFirstWrong}>
                            {wrong.length === 1 ? '1 mistake' : `${wrong.length} mistakes`} to mend first.{wrongRows[0] === undefined ? '' : ` ${wrong.length === 1 ? 'It is in row' : 'The first is in row'} ${wrongRows[0] + 1}.`}
                        </button>
                    ) : (
                        <p>{!table ? '' : judged === null ? 'Checking …' : table.rows.length === 1 ? '1 row, good.' : `${table.rows.length} rows, all good.`}</p>
                    )}
                </div>
            }
        >
            <p class="help">
                Paste rows from a spreadsheet or a file. The first line may name the columns: <b>name</b>, then settings by their label or id, such as hostname, port, path. Nothing is added before you have seen it checked.
            </p>
            <div class="row wrap">
                <label class="inline">
                    Module
                    <select value={id} onChange={(event) => setChosen(event.currentTarget.value)}>
                        {usable.map((one) => (
                            <option key={one.id} value={one.id}>
                                {one.label}
                            </option>
                        ))}
                    </select>
                </label>
                <label class="inline">
                    Everything else like
                    <select value={like} onChange={(event) => setLike(event.currentTarget.value)}>
                        <option value="">the defaults</option>
                        {summaries.value
                            .filter((one) => one.module === id)
                            .map((one) => (
                                <option key={one.name} value={one.name}>
                                    {one.name}
                                </option>
                            ))}
                    </select>
                </label>
            </div>
            <textarea class="code" rows={6} aria-label="The table" spellcheck={false} autocapitalize="none" placeholder={'name\thostname\tport\tpath\npress-1\t10.0.4.11\t9001\t/machine\npress-2\t10.0.4.12\t9001\t/machine'} value={text} onInput={(event) => setText(event.currentTarget.value)} />
            {table && table.unknown.length > 0 && (
                <Note kind="warn">
                    No setting is called {table.unknown.join(', ')}; {table.unknown.length === 1 ? 'that column is' : 'those columns are'} left out.
                </Note>
            )}
            {problem && <Note kind="error">{problem}</Note>}
            {table && (onlyWrong || (wrongRows.length > 0 && wrongRows.length < table.rows.length)) && (
                <label class="check">
                    <input type="checkbox" checked={onlyWrong} onChange={(event) => setOnlyWrong(event.currentTarget.checked)} /> Only rows with a mistake: {wrongRows.length} of {table.rows.length}
                </label>
            )}
            {table && table.rows.length > 0 && (
                <div ref={preview} class="scroll" tabIndex={0} role="region" aria-label="Preview">
                    <table class="preview">
                        <thead>
                            <tr>
                                <th scope="col">Row</th>
                                {table.columns.map((one) => (
                                    <th key={one === 'name' ? 'name' : one.id} scope="col">
                                        {one === 'name' ? 'Name' : one.label}
                                    </th>
                                ))}
                            </tr>
                        </thead>
                        <tbody>
                            {table.rows.map((row, i) => {
                                const its = ofRow(i);
                                if (onlyWrong && !wrongRows.includes(i)) return null;
                                return (
                                    <tr key={i} class={its.some((one) => !one.warning) ? 'wrong' : ''}>
                                        <td>{i + 1}</td>
                                        {table.columns.map((one) => (
                                            <td key={one === 'name' ? 'name' : one.id}>
                                                {one === 'name' ? row.name : shown(row.settings[one.id], one)}
                                                {its.filter((each) => columnOf(each) === one).map((each) => (
                                                    <p key={each.sentence} tabIndex={-1} class={each.warning ? 'warn' : 'error'}>
                                                        {each.sentence}
                                                    </p>
                                                ))}
                                            </td>
                                        ))}
                                    </tr>
                                );
                            })}
                        </tbody>
                    </table>
                </div>
            )}
            <Sentences id="table-wrong" mistakes={mistakes.filter((one) => !one.at?.startsWith('/rows/'))} />
        </FormDialog>
    );
}
