import { useEffect, useRef, useState } from 'preact/hooks';
import { clockTime } from '../clock';
import { toneOf, type Tone } from './state';
import { measured } from './values';

/** One line over time in SVG, with a cursor that keyboard and finger can move. */
export type Series = { label: string; values: (number | null)[]; style: 'one' | 'two' };

const height = 110;
const left = 40;
const bottom = 18;

function niceTop(most: number): number {
    if (most <= 0) return 1;
    const power = 10 ** Math.floor(Math.log10(most));
    return ([1, 2, 2.5, 5, 10].find((one) => one * power >= most) ?? 10) * power;
}

function useWidth(): [{ current: HTMLDivElement | null }, number] {
    const box = useRef<HTMLDivElement>(null);
    const [width, setWidth] = useState(0);
    useEffect(() => {
        if (!box.current) return;
        const watch = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
        watch.observe(box.current);
        return () => watch.disconnect();
    }, []);
    return [box, width];
}

export function Plot({ title, unit, series, from, step, gap = 0 }: { title: string; unit: string; series: Series[]; from: number; step: number; /** In ms: what is measured more seldom than that has a hole in its line. */ gap?: number }) {
    const [box, width] = useWidth();
    const [cursor, setCursor] = useState<number | null>(null);
    const count = Math.max(2, ...series.map((one) => one.values.length));
    const all = series.flatMap((one) => one.values.filter((value): value is number => value !== null));
    const top = niceTop(Math.max(0, ...all));
    const x = (i: number) => left + ((width - left - 4) * i) / (count - 1);
    const y = (value: number) => 6 + (height - bottom - 6) * (1 - value / top);
    const path = (values: (number | null)[]) => {
        let drawn = '';
        const seen = values.flatMap((value, i) => (value === null ? [] : [{ i, value }]));
        const reach = Math.max(1, gap / step);
        seen.forEach(({ i, value }, place) => {
            const joined = i - (seen[place - 1]?.i ?? -Infinity) <= reach;
            drawn += `${joined ? 'L' : 'M'}${x(i).toFixed(1)} ${y(value).toFixed(1)}`;
            // A lone point would not show.
            if (!joined && (seen[place + 1]?.i ?? Infinity) - i > reach) drawn += 'h.1';
        });
        return drawn;
    };
    const latest = (values: (number | null)[]) => values.findLast((one) => one !== null) ?? null;
    const told = (i: number | null) => series.map((one) => ({ label: one.label, style: one.style, value: i === null ? latest(one.values) : (one.values[i] ?? null) }));
    const marks = Array.from({ length: 4 }, (_, i) => Math.round((i * (count - 1)) / 3));
    const sentence = all.length ? `${title} over the last hour: ${series.map((one) => `${one.label} ${latest(one.values) === null ? 'nothing' : `${measured(latest(one.values) ?? 0)} ${unit}`}`).join(', ')}; at most ${measured(Math.max(...all))} ${unit}.` : `${title}: nothing in the last hour.`;
    return (
        <figure class="plot">
            <figcaption>
                <h2>{title}</h2>
                <p class="legend">
                    {cursor !== null && <span>{clockTime(from + cursor * step)}</span>}
                    {told(cursor).map((one) => (
                        <span key={one.label} class={one.style}>
                            {series.length > 1 && <i />}
                            {series.length > 1 ? `${one.label} ` : ''}
                            <b>{one.value === null ? '–' : measured(one.value)}</b> {unit}
                        </span>
                    ))}
                </p>
            </figcaption>
            <div
                ref={box}
                class="canvas"
                tabIndex={0}
                role="img"
                aria-label={sentence}
                onPointerMove={(event) => {
                    const place = event.clientX - event.currentTarget.getBoundingClientRect().left;
                    setCursor(Math.max(0, Math.min(count - 1, Math.round(((place - left) / (width - left - 4)) * (count - 1)))));
                }}
                onPointerLeave={() => setCursor(null)}
                onBlur={() => setCursor(null)}
                onKeyDown={(event) => {
                    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
                    if (by === undefined) return;
                    event.preventDefault();
                    setCursor(Math.max(0, Math.min(count - 1, (cursor ?? count - 1) + by)));
                }}
            >
                {width > 0 && (
                    <svg width={width} height={height} aria-hidden="true">
                        {[0, 0.5, 1].map((one) => (
                            <g key={one}>
                                <path class="rule" d={`M${left} ${y(top * one).toFixed(1)}H${width}`} />
                                <text x={left - 6} y={y(top * one) + 4} text-anchor="end">
                                    {measured(top * one)}
                                </text>
                            </g>
                        ))}
                        {marks.map((i) => (
                            <text key={i} x={x(i)} y={height - 3} text-anchor={i === 0 ? 'start' : i === count - 1 ? 'end' : 'middle'}>
                                {clockTime(from + i * step).slice(-8, -3)}
                            </text>
                        ))}
                        {series.map((one) => (
                            <path key={one.label} class={`line ${one.style}`} d={path(one.values)} />
                        ))}
                        {cursor !== null && <path class="cursor" d={`M${x(cursor).toFixed(1)} 4V${height - bottom}`} />}
                    </svg>
                )}
            </div>
        </figure>
    );
}

export type Stretch = { from: number; to: number; state: string | null; label: string };

/** What state it was in over time: one band, and its longest troubles in words. */
export function Ribbon({ title, stretches, from, to }: { title: string; stretches: Stretch[]; from: number; to: number }) {
    const [box, width] = useWidth();
    const [shown, setShown] = useState<Stretch | null>(null);
    const x = (at: number) => (width * (at - from)) / (to - from);
    const share = (tone: Tone) => stretches.filter((one) => one.state !== null && toneOf(one.state) === tone).reduce((sum, one) => sum + one.to - one.from, 0) / Math.max(1, stretches.filter((one) => one.state !== null).reduce((sum, one) => sum + one.to - one.from, 0));
    const good = Math.floor(share('good') * 1000) / 10;
    const drops = stretches.filter((one, i) => i > 0 && toneOf(stretches[i - 1]?.state ?? null) === 'good' && toneOf(one.state) !== 'good').length;
    const sentence = `Well for ${good} % of the time seen${drops ? `, left it ${drops === 1 ? 'once' : `${drops} times`}` : ''}`;
    return (
        <figure class="plot ribbon">
            <figcaption>
                <h2>{title}</h2>
                <p class="legend">
                    <span>{shown ? `${clockTime(shown.from)} to ${clockTime(shown.to)}: ${shown.label}` : sentence}</span>
                </p>
            </figcaption>
            <div
                ref={box}
                class="canvas"
                role="img"
                aria-label={`${title}, last hour. ${sentence}.`}
                onPointerMove={(event) => {
                    const at = from + ((event.clientX - event.currentTarget.getBoundingClientRect().left) / width) * (to - from);
                    setShown(stretches.find((one) => one.from <= at && at < one.to) ?? null);
                }}
                onPointerLeave={() => setShown(null)}
            >
                {width > 0 && (
                    <svg width={width} height={40} aria-hidden="true">
                        {stretches.map((one) => (
                            <rect key={one.from} class={`band ${one.state === null ? 'none' : toneOf(one.state)}`} x={x(one.from)} y={0} width={Math.max(toneOf(one.state) === 'good' ? 0.5 : 2, x(one.to) - x(one.from))} height={20} />
                        ))}
                        <text x={0} y={36}>
                            {clockTime(from).slice(-8, -3)}
                        </text>
                        <text x={width} y={36} text-anchor="end">
                            now
                        </text>
                    </svg>
                )}
            </div>
        </figure>
    );
}
