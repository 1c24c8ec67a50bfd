const paths = {
    io: 'M4 8h11M12 4.5 15.5 8 12 11.5M20 16H9M12 12.5 8.5 16l3.5 3.5',
    rules: 'M5 5h6v5H5zM13 14h6v5h-6zM8 10v4.5a2 2 0 0 0 2 2h3M16 14V9.500a2 2 0 0 0-2-2h-3',
    log: 'M5 6h14M5 10h14M5 14h9M5 18h11',
    system: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 4.500v5M9 14.500v5',
    add: 'M12 5v14M5 12h14',
    more: 'M12 6v.01M12 12v.01M12 18v.01',
    back: 'M15 5l-7 7 7 7',
    up: 'M12 19V6M6 11l6-6 6 6',
    down: 'M12 5v13M6 13l6 6 6-6',
    close: 'M6 6l12 12M18 6 6 18',
    check: 'M5 13l4.500 4.500L19 7',
    copy: 'M9 9h10v11H9zM15 9V4H5v11h4',
    trash: 'M5 7h14M10 7V4.500h4V7M7 7l1 13h8l1-13',
    undo: 'M8 5 4 9l4 4M4 9h10a6 6 0 0 1 0 12h-3',
    pause: 'M9 6v12M15 6v12',
    play: 'M8 5.500v13l10-6.500z',
    download: 'M12 4v11M7 11l5 5 5-5M5 20h14',
    upload: 'M12 16V5M7 9l5-5 5 5M5 20h14',
    warn: 'M12 4 2.800 20h18.400zM12 10v4.500M12 17.300v.01',
    error: 'M12 3.500a8.500 8.500 0 1 0 0 17 8.500 8.500 0 0 0 0-17zM12 8v5M12 16v.01',
    insert: 'M9 5c-3 0-3 2-3 3.500S5.500 12 4 12c1.500 0 2 2 2 3.500S6 19 9 19M15 5c3 0 3 2 3 3.500s.5 3.500 2 3.500c-1.500 0-2 2-2 3.500s0 3.500-3 3.500',
    search: 'M10.500 5a5.500 5.500 0 1 0 0 11 5.500 5.500 0 0 0 0-11zM15 15l5 5',
    key: 'M8 11a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM11 12l8-8M16 7l3 3',
    out: 'M14 5H5v14h9M10 12h10M17 8.500l3.500 3.500-3.500 3.500',
    fire: 'M13 3 5 14h6l-1 7 8-11h-6z',
    test: 'M4 12h4l2-6 4 12 2-6h4',
    right: 'M9 5l7 7-7 7',
} as const;

export type IconName = keyof typeof paths;

export const Icon = ({ name }: { name: IconName }) => (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
        <path d={paths[name]} />
    </svg>
);
