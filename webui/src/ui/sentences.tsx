import type { Field, Mistake, Setting } from '../contract';
import { Icon } from './icons';

/** What was wrong, under what it is about; read aloud with the field. */
export const Sentences = ({ id, mistakes, field }: { id: string; mistakes: Mistake[]; field?: Field | Setting }) => (
    <div id={id} class="sentences">
        {mistakes.map((one) => (
            <p key={one.sentence} class={one.warning ? 'warn' : 'error'}>
                <Icon name={one.warning ? 'warn' : 'error'} />
                <span class="sentence">{field && one.sentence.startsWith(`${field.id} `) ? field.label + one.sentence.slice(field.id.length) : one.sentence}</span>
            </p>
        ))}
    </div>
);
