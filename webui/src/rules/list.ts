import type { Signal } from '@preact/signals';
import { at, edit, sentenceOf } from '../api';
import type { Applied, RuleDraft, Rules } from '../contract';
import { carryDraft, whileSaving } from '../drafts';
import { tell } from '../ui/basics';
import { drafted } from './words';

export type Live = Signal<Rules | null | undefined>;

/** In ms: how long the channel may take to tell what an edit has made. */
const patience = 3000;

const until = (live: Live, seen: (rules: Rules) => boolean): Promise<void> =>
    new Promise((done) => {
        let stop = () => {};
        const end = () => {
            window.clearTimeout(late);
            queueMicrotask(() => stop());
            done();
        };
        const late = window.setTimeout(end, patience);
        stop = live.subscribe((rules) => {
            if (!rules || seen(rules)) end();
        });
    });

let last: Promise<void> = Promise.resolve();

/**
 * Who presses twice means the list as the first press has made it: the second waits until the page has seen that,
 * and is told nothing of "somebody else".
 */
function inTurn(live: Live, what: (rules: Rules) => Promise<Applied | undefined> | undefined, revisionIn: (rules: Rules) => string | undefined, said: () => string): void {
    last = last.then(async () => {
        const rules = live.peek();
        try {
            const applied = rules && (await what(rules));
            if (!applied) return;
            tell(said());
            await until(live, (now) => revisionIn(now) === applied.revision);
        } catch (why) {
            tell(sentenceOf(why), true);
        }
    });
}

const named = (rules: Rules, name: string) => rules.rules.find((one) => one.name === name);

export function enable(live: Live, name: string, enabled: boolean): void {
    inTurn(
        live,
        async (rules) => {
            const rule = named(rules, name);
            if (!rule) return undefined;
            const key = `rule:${name}`;
            return whileSaving(key, async () => {
                const applied = await edit('PUT', at`/api/rules/${name}/enabled`, { enabled }, rule.revision);
                carryDraft<RuleDraft>(key, { from: rule.revision, revision: applied.revision, saved: drafted({ ...rule, enabled }) });
                return applied;
            });
        },
        (rules) => named(rules, name)?.revision,
        () => (enabled ? `“${name}” is on.` : `“${name}” is off.`),
    );
}

export function move(live: Live, name: string, by: -1 | 1): void {
    let target = -1;
    inTurn(
        live,
        (rules) => {
            const names = rules.rules.map((one) => one.name);
            const from = names.indexOf(name);
            target = from + by;
            if (from < 0 || target < 0 || target >= names.length) return undefined;
            return edit('PUT', '/api/rules-order', { names: names.toSpliced(from, 1).toSpliced(target, 0, name) }, rules.revision);
        },
        (rules) => rules.revision,
        () => `“${name}” is number ${target + 1} now.`,
    );
}
