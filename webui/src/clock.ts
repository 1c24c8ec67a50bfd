import { computed, signal } from '@preact/signals';

/** What the controller's clock is ahead of this browser's, in ms. */
let offset = 0;
let known = false;

const beat = signal(Date.now());

/** The controller's time, as of the last tick; components that show ages and countdowns read it. */
export const now = computed(() => beat.value + offset);

export function hearClock(controllerNow: number): void {
    const heard = controllerNow - Date.now();
    // A message that was long under way makes the controller seem late: small differences are noise.
    if (known && Math.abs(heard - offset) < 250) return;
    known = true;
    offset = heard;
    beat.value = Date.now();
}

let halted = false;

/** While nothing is heard of the controller, ages and countdowns stand: nobody knows whether they go on there. */
export function haltClock(halt: boolean): void {
    halted = halt;
    if (!halt) beat.value = Date.now();
}

setInterval(() => {
    if (!document.hidden && !halted) beat.value = Date.now();
}, 500);
document.addEventListener('visibilitychange', () => {
    if (!halted) beat.value = Date.now();
});

const two = (value: number) => String(Math.floor(value)).padStart(2, '0');

/** `3 s`, `12 min`, `2 h 5 min`, `4 d`. */
export function span(milliseconds: number): string {
    const seconds = Math.max(0, Math.round(milliseconds / 1000));
    if (seconds < 60) return `${seconds} s`;
    const minutes = Math.floor(seconds / 60);
    if (minutes < 60) return `${minutes} min`;
    const hours = Math.floor(minutes / 60);
    if (hours < 24) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
    return `${Math.floor(hours / 24)} d${hours % 24 ? ` ${hours % 24} h` : ''}`;
}

/** What is left, for countdowns: `12 s`, `3 min 5 s`. */
export function left(milliseconds: number): string {
    const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
    return seconds < 120 ? `${seconds} s` : seconds < 3600 ? `${Math.floor(seconds / 60)} min ${seconds % 60} s` : span(milliseconds);
}

export const ago = (then: number): string => (now.value - then < 1500 ? 'just now' : `${span(now.value - then)} ago`);

/** Time of day in the browser's zone, with the date where it is not today. */
export function clockTime(at: number, milliseconds = false): string {
    const then = new Date(at);
    const time = `${two(then.getHours())}:${two(then.getMinutes())}:${two(then.getSeconds())}${milliseconds ? `.${String(then.getMilliseconds()).padStart(3, '0')}` : ''}`;
    return new Date(now.peek()).toDateString() === then.toDateString() ? time : `${dateOf(at)} ${time}`;
}

export const dateOf = (at: number): string => {
    const then = new Date(at);
    return `${then.getFullYear()}-${two(then.getMonth() + 1)}-${two(then.getDate())}`;
};
