import { useState } from 'preact/hooks';
import { at, call, check, edit, sentenceOf } from '../api';
import type { Fired, Rule, RuleDraft, Rules } from '../contract';
import { dropDraft, hasDraft } from '../drafts';
import { go, to } from '../router';
import { may, useRules } from '../store';
import { Ago, Button, Empty, Loading, Menu, Note, Switch, tell } from '../ui/basics';
import { confirm, show } from '../ui/dialogs';
import { EditForm, type Editor, Overtaken, useEditor } from '../ui/editor';
import { neighbourOf } from '../ui/focus';
import { Icon } from '../ui/icons';
import { NameForm } from '../io/deeds';
import { grouped } from '../ui/values';
import { RuleForm } from './form';
import { enable, type Live, move } from './list';
import { TraceView } from './trace';
import { TryIt } from './try';
import { Variables } from './variables';
import { actionOf, doInWords, drafted, onInWords, ruleInWords, whenInWords } from './words';

const complain = (why: unknown) => tell(sentenceOf(why), true);

const fire = (rule: Rule) => call<Fired>(at`/api/rules/${rule.name}/fire`, { method: 'POST' }).then((one) => tell(one.sentence, !one.fired), complain);

/** Why it fired, or why not, in one line. */
function Said({ rule }: { rule: Rule }) {
    const { report } = rule;
    if (!rule.enabled) return <span class="said">is off</span>;
    if (report.lastSaid === 'never') return <span class="said">was not looked at yet</span>;
    const no = report.lastSaid !== 'fired';
    return (
        <span class={`said ${no ? 'no' : ''}`}>
            {report.lastFired !== undefined && (
                <>
                    fired <Ago at={report.lastFired} />
                    {no ? '; ' : ''}
                </>
            )}
            {no && (
                <>
                    {report.lastNo !== undefined && (
                        <>
                            said no <Ago at={report.lastNo} />.{' '}
                        </>
                    )}
                    {report.lastNoSentence ?? report.sentence}
                </>
            )}
        </span>
    );
}

function Row({ rule, live, i, of, chosen }: { rule: Rule; live: Live; i: number; of: number; chosen: boolean }) {
    const configure = may('configure');
    return (
        <li class={`${rule.enabled ? '' : 'off'} ${chosen ? 'chosen' : ''}`}>
            <Switch hidden label={`${rule.name} is on`} on={rule.enabled} disabled={!configure} onChange={(on) => enable(live, rule.name, on)} />
            <a
                href={to('rules', rule.name)}
                aria-current={chosen ? 'page' : undefined}
                class="entry"
                onKeyDown={(event) => {
                    if (!event.altKey || !configure) return;
                    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key] as -1 | 1 | undefined;
                    if (by === undefined) return;
                    event.preventDefault();
                    move(live, rule.name, by);
                }}
            >
                <span class="name">
                    {rule.name}
                    {hasDraft(`rule:${rule.name}`) && <span class="mark">unsaved</span>}
                </span>
                <span class="count" title={rule.report.fired ? `Fired ${grouped(rule.report.fired)} times` : 'Not fired yet'}>
                    {grouped(rule.report.fired)}
                    <span class="unseen"> times</span>
                </span>
                <span class="more">{ruleInWords(rule)}</span>
                <Said rule={rule} />
            </a>
            {configure && (
                <span class="order">
                    <Button icon="up" kind="bare" disabled={i === 0} label={`Move ${rule.name} up`} onClick={() => move(live, rule.name, -1)} />
                    <Button icon="down" kind="bare" disabled={i === of - 1} label={`Move ${rule.name} down`} onClick={() => move(live, rule.name, 1)} />
                </span>
            )}
        </li>
    );
}

function RuleList({ rules, live, chosen }: { rules: Rules; live: Live; chosen: string | undefined }) {
    return (
        <nav class="list rulelist" aria-label="Rules">
            <header>
                <h1>Rules</h1>
                {may('configure') && (
                    <a class="button" href={to('rules', '+')}>
                        <Icon name="add" />
                        <span>Add</span>
                    </a>
                )}
            </header>
            <div class="views">
                <a href={to('trace')}>Trace</a>
                <a href={to('variables')}>Variables · {rules.variables.length}</a>
            </div>
            {rules.rules.length === 0 ? (
                <Empty>
                    <p>No rule yet. A rule says: when this happens, if that holds, then do this.</p>
                    <a class="button main" href={to('rules', '+')}>
                        Make the first rule
                    </a>
                </Empty>
            ) : (
                <ol>
                    {rules.rules.map((one, i) => (
                        <Row key={one.name} rule={one} live={live} i={i} of={rules.rules.length} chosen={one.name === chosen} />
                    ))}
                </ol>
            )}
        </nav>
    );
}

const Back = () => (
    <a class="back button square bare" href={to('rules')} aria-label="All rules">
        <Icon name="back" />
    </a>
);

/** Without the arguments that are secrets and were typed. */
const bared = (rule: RuleDraft): RuleDraft => ({
    ...rule,
    do: rule.do.map((act) => {
        const secret = (id: string, value: unknown) => typeof value === 'string' && actionOf(act.action, rule)?.arguments.find((one) => one.id === id)?.type === 'secret';
        return act.arguments ? { ...act, arguments: Object.fromEntries(Object.entries(act.arguments).filter(([id, value]) => !secret(id, value))) } : act;
    }),
});

/** A rule is switched by a route of its own: who saves it leaves that as it is. */
function unswitched({ enabled: _, ...rule }: RuleDraft): RuleDraft {
    return rule;
}

const OvertakenRule = ({ editor }: { editor: Editor<RuleDraft> }) => (
    <Overtaken
        editor={editor}
        what="this rule"
        rows={[
            { key: 'name', label: 'Name', inWords: (rule) => rule.name },
            { key: 'enabled', label: 'Switched', inWords: (rule) => (rule.enabled === false ? 'off' : 'on') },
            { key: 'on', label: 'When', inWords: (rule) => rule.on.map(onInWords).join(' or ') || 'nothing' },
            { key: 'when', label: 'If', inWords: (rule) => rule.when?.map(whenInWords).join(' and ') || 'nothing' },
            { key: 'do', label: 'Then', inWords: (rule) => rule.do.map((one) => doInWords(one, rule)).join(', then ') || 'nothing' },
            { key: 'stop', label: 'Stops those below', inWords: (rule) => (rule.stop ? 'yes' : 'no') },
        ]}
    />
);

function RulePage({ rule, rules, live }: { rule: Rule; rules: Rules; live: Live }) {
    const [view, setView] = useState<'edit' | 'trace'>('edit');
    const path = at`/api/rules/${rule.name}`;
    const editor = useEditor<RuleDraft>({
        key: `rule:${rule.name}`,
        saved: drafted(rule),
        revision: rule.revision,
        bare: bared,
        check: (value, signal) => check('PUT', path, unswitched(value), signal),
        save: async (value, revision) => {
            const done = await edit('PUT', path, unswitched(value), revision);
            if (value.name !== rule.name) go('rules', value.name);
            return { ...done, key: `rule:${value.name}` };
        },
    });
    const configure = may('configure');
    const { report } = rule;
    const whyNot = !rule.byHand
        ? 'It cannot be fired by hand: it uses what its trigger brings. Use Try it, with a sample.'
        : !rule.enabled
          ? 'It cannot be fired by hand while it is off.'
          : undefined;
    return (
        <article class="detail">
            <header class="title">
                <Back />
                <div>
                    <h1>{rule.name}</h1>
                    <p>
                        {report.fired === 0 ? 'Not fired yet' : report.fired === 1 ? 'Fired once' : `Fired ${grouped(report.fired)} times`}
                        {report.lastFired !== undefined && (
                            <>
                                , last <Ago at={report.lastFired} />
                            </>
                        )}
                    </p>
                </div>
                <Button icon="fire" disabled={!may('operate') || whyNot !== undefined} {...(whyNot ? { title: whyNot, 'aria-describedby': 'why-not-by-hand' } : {})} onClick={() => void fire(rule)}>
                    Fire by hand
                </Button>
                {configure && (
                    <Menu
                        label={`More about ${rule.name}`}
                        items={[
                            {
                                label: 'Duplicate …',
                                icon: 'add',
                                act: () =>
                                    show('Duplicate the rule', (close) => (
                                        <NameForm
                                            label="Name of the copy"
                                            value={`${rule.name} (copy)`}
                                            word="Duplicate"
                                            close={close}
                                            hint={() => 'The copy is off until you switch it on.'}
                                            act={async (name) => {
                                                await edit('POST', `${path}/duplicate`, { name });
                                                go('rules', name);
                                            }}
                                        />
                                    )),
                            },
                            {
                                label: 'Remove …',
                                icon: 'trash',
                                danger: true,
                                act: () =>
                                    confirm(`Remove “${rule.name}”?`, <p>It is taken out of the project.</p>, 'Remove', async () => {
                                        const onwards = neighbourOf(to('rules', rule.name));
                                        await edit('DELETE', path, undefined, rule.revision);
                                        dropDraft(`rule:${rule.name}`);
                                        tell('The rule was removed.');
                                        go('rules');
                                        onwards();
                                    }),
                            },
                        ]}
                    />
                )}
            </header>
            {whyNot && (
                <p class="help byhand" id="why-not-by-hand">
                    {whyNot}
                </p>
            )}
            {!rule.enabled ? (
                <Note kind="warn" title="This rule is off.">
                    <Button disabled={!configure} onClick={() => enable(live, rule.name, true)}>
                        Switch it on
                    </Button>
                </Note>
            ) : (
                report.lastNo !== undefined && (
                    <div class={`why ${(report.lastFired ?? 0) >= report.lastNo ? 'past' : ''}`}>
                        <p>
                            <b>Why it last said no</b> <Ago at={report.lastNo} />
                        </p>
                        <p>{report.lastNoSentence}</p>
                    </div>
                )
            )}
            <nav class="views" aria-label="Views of the rule">
                <button type="button" aria-current={view === 'edit' ? 'page' : undefined} onClick={() => setView('edit')}>
                    Rule
                    {editor.dirty && <span class="mark">unsaved</span>}
                </button>
                <button type="button" aria-current={view === 'trace' ? 'page' : undefined} onClick={() => setView('trace')}>
                    What it did
                </button>
            </nav>
            {view === 'trace' ? (
                <TraceView rule={rule} short />
            ) : (
                <div class="beside">
                    <EditForm editor={editor} what="Changed. It applies as soon as it is saved.">
                        {editor.overtaken && <OvertakenRule editor={editor} />}
                        <RuleForm rule={editor.value} variables={rules.variables.map((one) => one.name)} mistakes={editor.mistakes} disabled={!configure} onChange={editor.put} />
                    </EditForm>
                    <TryIt rule={editor.value} />
                </div>
            )}
        </article>
    );
}

function NewRule({ rules }: { rules: Rules }) {
    const [touched, setTouched] = useState(false);
    const editor = useEditor<RuleDraft>({
        key: 'rule:+',
        saved: { name: '', on: [], do: [] },
        revision: '',
        fresh: true,
        bare: bared,
        check: (value, signal) => check('POST', '/api/rules', value, signal),
        save: (value) => edit('POST', '/api/rules', value),
    });
    const { value } = editor;
    const empty = (at: string | undefined) => (at === '/name' && !value.name) || (at === '/on' && !value.on.length) || (at === '/do' && !value.do.length);
    const shown = touched ? editor.mistakes : editor.mistakes.filter((one) => !empty(one.at) && !(one.at?.includes('/arguments/') && !value.name));
    return (
        <article class="detail">
            <header class="title">
                <Back />
                <div>
                    <h1>New rule</h1>
                    <p>When this happens, if that holds, then do this.</p>
                </div>
            </header>
            <div class="beside">
                <EditForm fresh editor={editor} mistakes={shown} onTry={() => setTouched(true)} word="Add" what="It is put at the end of the list." onSaved={() => go('rules', value.name)}>
                    <RuleForm rule={value} variables={rules.variables.map((one) => one.name)} mistakes={shown} disabled={!may('configure') || editor.busy} onChange={editor.put} />
                </EditForm>
                <TryIt rule={value} />
            </div>
        </article>
    );
}

export function RulesTab({ path, part }: { path: string[]; part: 'rules' | 'trace' | 'variables' }) {
    const live = useRules();
    const rules = live.value;
    if (!rules) return <Loading />;
    const [name] = path;
    const rule = rules.rules.find((one) => one.name === name);
    const aside = part !== 'rules';
    return (
        <div class={`two ${name || aside ? 'inside' : ''}`}>
            <RuleList rules={rules} live={live} chosen={aside ? undefined : name} />
            <div class="main">
                {aside ? (
                    <article class="detail">
                        <header class="title">
                            <Back />
                            <div>
                                <h1>{part === 'trace' ? 'Trace' : 'Variables'}</h1>
                                {part === 'trace' && <p>The last 1,000 events, and what the rules made of them</p>}
                            </div>
                        </header>
                        {part === 'trace' ? <TraceView /> : <Variables variables={rules.variables} />}
                    </article>
                ) : name === '+' ? (
                    <NewRule rules={rules} />
                ) : rule ? (
                    <RulePage key={rule.name} rule={rule} rules={rules} live={live} />
                ) : name ? (
                    <Empty>There is no rule “{name}” (any more).</Empty>
                ) : (
                    rules.rules.length > 0 && <Empty>Choose a rule to read or change it.</Empty>
                )}
            </div>
        </div>
    );
}
