import { useEffect, useRef, useState } from 'preact/hooks';
import { at, call, sentenceOf } from '../api';
import type { Test, TestStep, Values } from '../contract';
import { draftOf, hasDraft } from '../drafts';
import { Button, Note } from '../ui/basics';
import { Icon } from '../ui/icons';

/** A step that ended before it was seen at work has no time worth telling. */
const timed = (step: TestStep): step is TestStep & { milliseconds: number } => step.milliseconds !== undefined && (step.state !== 'failed' || step.milliseconds >= 0.05);
const took = (step: TestStep): string => (!timed(step) ? '' : step.milliseconds < 10 ? `${step.milliseconds.toFixed(1)} ms` : `${Math.round(step.milliseconds)} ms`);

/** Layer by layer: what worked, how long it took, and where it ended. */
export function ConnectionTest({ instance, close }: { instance: string; close: () => void }) {
    const [test, setTest] = useState<Test | null>(null);
    const [problem, setProblem] = useState('');
    const run = useRef(0);
    const box = useRef<HTMLElement>(null);
    const begin = async () => {
        const mine = ++run.current;
        setProblem('');
        setTest(null);
        try {
            const draft = hasDraft(`instance:${instance}`) ? draftOf<Values>(`instance:${instance}`) : undefined;
            let one = await call<Test>(at`/api/instances/${instance}/test`, { method: 'POST', body: draft ? { settings: draft.value } : {} });
            setTest(one);
            while (!one.ended && mine === run.current) {
                one = await call<Test>(`${at`/api/tests/${one.test}`}?after=${one.step}&wait=10`, { idle: true });
                if (mine === run.current) setTest(one);
            }
        } catch (why) {
            if (mine === run.current) setProblem(sentenceOf(why));
        }
    };
    useEffect(() => {
        box.current?.focus();
        void begin();
        return () => void ++run.current;
    }, [instance]);
    // Reading the settings is no part of the line: its time would dwarf what is.
    const onTheLine = (one: TestStep): boolean => one.layer !== 'settings';
    const longest = Math.max(1, ...(test?.steps.filter(onTheLine).map((one) => one.milliseconds ?? 0) ?? []));
    const unneeded = (step: TestStep, i: number) => step.detail !== undefined || test?.passed || test?.steps.slice(i + 1).some((each) => ['passed', 'failed', 'running'].includes(each.state));
    return (
        <section class="card test" aria-labelledby="test-title" tabIndex={-1} ref={box} onKeyDown={(event) => event.key === 'Escape' && close()}>
            <header>
                <h2 id="test-title">Test connection</h2>
                <Button icon="close" kind="bare" label="Close the test" onClick={close} />
            </header>
            {hasDraft(`instance:${instance}`) && <p class="help">With the settings as they are typed, also those that are not saved.</p>}
            {problem && <Note kind="error">{problem}</Note>}
            {test && (
                <ol class="steps">
                    {test.steps.map((one, i) => (
                        <li key={one.layer} class={one.state}>
                            <span class="badge">{one.state === 'passed' ? <Icon name="check" /> : one.state === 'failed' ? <Icon name="close" /> : <i />}</span>
                            <span class="what">
                                {one.label}
                                {one.detail && <small>{one.detail}</small>}
                                {one.sentence && <strong>{one.sentence}</strong>}
                            </span>
                            <span class="bar" aria-hidden="true">
                                {timed(one) && onTheLine(one) && <meter min={0} max={longest} value={one.milliseconds} />}
                            </span>
                            <span class="took">{one.state === 'skipped' ? (unneeded(one, i) ? 'not needed' : 'not reached') : took(one)}</span>
                        </li>
                    ))}
                </ol>
            )}
            <div class="row between">
                <p aria-live="polite" class={test?.ended ? (test.passed ? 'good' : 'error') : ''}>
                    {test ? (test.ended ? (test.passed ? test.sentence : 'It ended there.') : 'Trying …') : problem ? '' : 'Beginning …'}
                </p>
                <Button disabled={!test?.ended && !problem} onClick={() => void begin()}>
                    Again
                </Button>
            </div>
        </section>
    );
}
