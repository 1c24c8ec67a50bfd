import type { Field, Kept, Match, Mistake, Send, Setting, Step, Value } from '../contract';

// A value's kind is told by its field's type; these say it to the compiler as well.

export const isKept = (value: Value | undefined): value is Kept => typeof value === 'object' && !Array.isArray(value);
export const asText = (value: Value | undefined): string => (typeof value === 'string' ? value : '');
export const asTexts = (value: Value | undefined): string[] =>
    Array.isArray(value) ? (value as unknown[]).filter((one): one is string => typeof one === 'string') : typeof value === 'string' ? [value] : [];
const isMatch = (one: unknown): one is Match => typeof one === 'object' && one !== null && 'kind' in one;
const isStep = (one: unknown): one is Step => typeof one === 'object' && one !== null && ('send' in one || 'await' in one);
export const asMatches = (value: Value | undefined): Match[] => (Array.isArray(value) ? (value as unknown[]).filter(isMatch) : []);
export const asSteps = (value: Value | undefined): Step[] => (Array.isArray(value) ? (value as unknown[]).filter(isStep) : []);
export const isSend = (step: Step): step is Send => 'send' in step;

export const truthOf = (written: string): boolean => /^(true|on|1)$/.test(written);

/** A number with its digits in threes: `12 000`. */
export const grouped = (value: number): string => value.toLocaleString('en', { maximumFractionDigits: 3 }).replaceAll(',', '\u202f');

/** A measured number, as exact as its size makes sense of: `0.25`, `12.5`, `120`. */
export const measured = (value: number): string => grouped(Number(value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2)));

/** The default in words; empty where there is none. */
export function defaultInWords(field: Field | Setting): string {
    if (field.default === undefined || field.default === '') return '';
    if (field.type === 'bool') return truthOf(field.default) ? 'on' : 'off';
    const word = field.choices?.find((one) => one.value === field.default)?.label ?? field.default;
    return field.unit ? `${word} ${field.unit}` : word;
}

/** 1 to 3600 s; empty where anything goes. */
export function rangeInWords(field: Field | Setting): string {
    if (field.type !== 'int' && field.type !== 'real') return '';
    const unit = field.unit ? ` ${field.unit}` : '';
    if (field.min !== undefined && field.max !== undefined) return `${field.min} to ${field.max}${unit}`;
    if (field.min !== undefined) return `at least ${field.min}${unit}`;
    return field.max === undefined ? '' : `at most ${field.max}${unit}`;
}

/** Mistakes at this place, and below it. */
export const mistakesAt = (mistakes: Mistake[], at: string): Mistake[] => mistakes.filter((one) => one.at === at || one.at?.startsWith(`${at}/`));

export const inOneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();

/** A match in a few words. */
export function matchInWords(match: Match): string {
    const text = `“${match.text}”`;
    switch (match.kind) {
        case 'contains':
            return match.text ? `contains ${text}` : 'is anything';
        case 'equals':
            return `is ${text}`;
        case 'prefix':
            return `begins with ${text}`;
        case 'regex':
            return `fits ${match.text}`;
        case 'json':
            return match.op ? `has ${match.pointer ?? ''} ${match.op} ${match.text}` : `has ${match.pointer ?? ''}`;
    }
}
