import type { Applied, Check, Problem } from './contract';

/** What the host refused, in its own words. */
export class Refused extends Error {
    constructor(
        readonly status: number,
        readonly problem: Problem,
    ) {
        super(problem.sentence);
    }
}

type Asked = {
    method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
    body?: unknown;
    type?: string;
    revision?: string;
    signal?: AbortSignal;
    /** Asked by the page itself, not by a person: does not keep the session awake. */
    idle?: boolean;
};

let loggedOut: () => void = () => {};
export const whenLoggedOut = (then: () => void): void => {
    loggedOut = then;
};

const unreachable: Problem = {
    error: 'failed',
    sentence: 'The controller cannot be reached. Nothing was changed; try again once the connection is back.',
};

const silent: Problem = {
    error: 'failed',
    sentence: 'The controller has not answered in time. Look whether it was done once it answers again.',
};

/** In ms: what no request takes, unless it asks the controller to wait. */
const patience = 20_000;

/** What a request is answered with, as `read` takes it; also the body must come in time. */
async function ask<T>(path: string, { method = 'GET', body, type, revision, signal, idle }: Asked, read: (response: Response) => Promise<T>): Promise<T> {
    const headers: Record<string, string> = {};
    if (body !== undefined) headers['Content-Type'] = type ?? 'application/json';
    if (revision !== undefined) headers['If-Match'] = `"${revision}"`;
    if (idle) headers['X-Iom-Idle'] = '1';
    const sent = body === undefined ? null : type ? (body as BodyInit) : JSON.stringify(body);
    const late = AbortSignal.timeout(patience + 1000 * Number(/[?&]wait=(\d+)/.exec(path)?.[1] ?? 0));
    try {
        const response = await fetch(path, { method, headers, body: sent, credentials: 'same-origin', signal: signal ? AbortSignal.any([signal, late]) : late });
        if (response.ok) return await read(response);
        const problem = (await response.json().catch(() => null)) as Problem | null;
        if (response.status === 401 && path !== '/api/session') loggedOut();
        throw new Refused(response.status, problem ?? { error: 'failed', sentence: `The controller answered ${response.status}.` });
    } catch (why) {
        if (why instanceof Refused || (why instanceof DOMException && why.name === 'AbortError')) throw why;
        throw new Refused(0, late.aborted ? silent : unreachable);
    }
}

export const call = <T>(path: string, asked: Asked = {}): Promise<T> => ask(path, asked, async (response) => (response.status === 204 ? undefined : await response.json()) as T);

export const text = (path: string): Promise<string> => ask(path, {}, (response) => response.text());

/** An edit of the project. */
export const edit = (method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown, revision?: string): Promise<Applied> =>
    call<Applied>(path, { method, body, ...(revision === undefined ? {} : { revision }) });

/** The same edit, judged only. */
export const check = (method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown, signal?: AbortSignal): Promise<Check> =>
    call<Check>(`${path}${path.includes('?') ? '&' : '?'}check=true`, { method, body, idle: true, ...(signal ? { signal } : {}) });

export const at = (strings: TemplateStringsArray, ...parts: (string | number)[]): string =>
    strings.reduce((made, one, i) => made + encodeURIComponent(String(parts[i - 1])) + one);

export const sentenceOf = (why: unknown): string => (why instanceof Error ? why.message : String(why));
