import { useEffect, useRef, useState } from 'preact/hooks';

type Stream<T> = {
    /** What is wanted; another one is asked for anew. */
    key: string;
    paused: boolean;
    /** Somebody reads or aims: what is new waits, what is shown stays where it is. */
    hold?: boolean;
    /** So many are kept here. */
    newest?: number;
    /** `more` may bring some again that have changed since. */
    begin: (full: (all: T[]) => void, more: (some: T[], skipped: number) => void) => () => void;
    /** What `key` stands for, for what is here already. */
    fits: (one: T) => boolean;
    /** What of it is to be seen; all of it unless told. */
    shows?: (one: T) => boolean;
    /** What came before that number, as the host keeps it. */
    before: (number: number) => Promise<T[]>;
};

/** In ms: however much comes, the page is drawn so often at most, and stays where people can click. */
const pace = 250;
const step = 200;

/** Oldest first, each once, the later one of two. */
function merged<T extends { number: number }>(known: T[], some: T[]): T[] {
    const all = [...known, ...some];
    if (some.every((one, i) => one.number > (all[known.length + i - 1]?.number ?? -1))) return all;
    return [...new Map(all.map((one) => [one.number, one])).values()].sort((left, right) => left.number - right.number);
}

/** Entries that come by themselves, the oldest first; only the newest are drawn until more is asked for. */
export function useStream<T extends { number: number }>({ key, paused, hold = false, newest = 1000, begin, fits, shows, before }: Stream<T>) {
    const [entries, setEntries] = useState<T[]>([]);
    const [loaded, setLoaded] = useState(false);
    const [skipped, setSkipped] = useState(0);
    const [drawn, setDrawn] = useState(step);
    /** How many wait until nobody reads any more. */
    const [coming, setComing] = useState(0);
    const box = useRef<HTMLDivElement>(null);
    /** At the end, and to be kept there; who has scrolled up reads, and nothing moves. */
    const following = useRef(true);
    const waiting = useRef<{ some: T[]; skipped: number; at: number; timer: number }>({ some: [], skipped: 0, at: 0, timer: 0 }).current;
    const held = useRef<{ key: string; all: T[] }>({ key, all: [] });
    const latest = useRef({ hold, entries, shows });
    latest.current = { hold, entries, shows };

    const take = (anyway = false) => {
        window.clearTimeout(waiting.timer);
        waiting.timer = 0;
        if (!following.current || (!waiting.some.length && !waiting.skipped)) return;
        if (latest.current.hold && !anyway) {
            // What is shown may still change where it stands.
            const here = new Set(latest.current.entries.map((one) => one.number));
            const changed = waiting.some.filter((one) => here.has(one.number));
            waiting.some = waiting.some.filter((one) => !here.has(one.number));
            if (changed.length) setEntries((known) => merged(known, changed));
            const { shows: wanted = () => true } = latest.current;
            setComing(new Set(waiting.some.filter(wanted).map((one) => one.number)).size);
            return;
        }
        const { some, skipped: left } = waiting;
        Object.assign(waiting, { some: [], skipped: 0, at: Date.now() });
        setEntries((known) => merged(known, some).slice(-newest));
        setComing(0);
        if (left) setSkipped((known) => known + left);
    };
    useEffect(() => {
        if (paused) return;
        following.current = true;
        const end = begin(
            (all) => {
                Object.assign(waiting, { some: [], skipped: 0 });
                setEntries(merged([], all));
                setLoaded(true);
                setSkipped(0);
                setComing(0);
                setDrawn(step);
            },
            (some, left) => {
                waiting.some.push(...some);
                const over = waiting.some.length - newest;
                if (over > 0) waiting.skipped += waiting.some.splice(0, over).length;
                waiting.skipped += left;
                waiting.timer ||= window.setTimeout(() => take(), Math.max(0, waiting.at + pace - Date.now()));
            },
        );
        return () => {
            window.clearTimeout(waiting.timer);
            Object.assign(waiting, { some: [], skipped: 0, timer: 0 });
            setComing(0);
            end();
        };
    }, [key, paused]);
    useEffect(() => {
        if (!hold) take();
    }, [hold]);

    // Paused, what is held is what is searched, and what the host keeps from before then.
    if (!paused) held.current = { key, all: entries };
    useEffect(() => {
        if (!paused) return;
        const { key: of, all } = held.current;
        if (of === key) return setEntries(all);
        let mine = true;
        const here = all.filter(fits);
        setEntries(here);
        before((all.at(-1)?.number ?? Number.MAX_SAFE_INTEGER - 1) + 1).then(
            (kept) => {
                if (mine) setEntries(merged(kept.filter(fits), here));
            },
            () => {},
        );
        return () => {
            mine = false;
        };
    }, [key, paused]);

    const shown = shows ? entries.filter(shows) : entries;
    const rows = shown.slice(-drawn);
    const last = rows.at(-1)?.number;
    useEffect(() => {
        if (following.current && box.current) box.current.scrollTop = box.current.scrollHeight;
    }, [last]);
    return {
        entries,
        /** Those of them that are to be seen, and the newest of those that are drawn. */
        shown,
        rows,
        loaded,
        skipped,
        coming,
        /** What waits is taken, whoever reads. */
        letCome: () => take(true),
        box,
        /** More of what is here is drawn; false where there is no more. */
        drawMore: () => {
            if (drawn >= shown.length) return false;
            setDrawn(drawn + step);
            return true;
        },
        putBefore: (some: T[]) => {
            setDrawn(drawn + some.length);
            setEntries((known) => merged(some, known));
        },
        onScroll: () => {
            if (!box.current) return;
            following.current = box.current.scrollHeight - box.current.scrollTop - box.current.clientHeight < 40;
            if (following.current && !paused) take();
        },
    };
}
