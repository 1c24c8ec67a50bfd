// Made from src/web/openapi.json by tools/types.mjs. Do not edit: change the contract, then `npm run types`.

/** A secret that is set. Its value is never told; sent back, it means: keep what is there. */
export type Kept = {
    set: true;
};

/** One <match> of a project file. */
export type Match = {
    kind: 'contains' | 'equals' | 'prefix' | 'regex' | 'json';
    /** What is looked for; of json, what is compared with. */
    text: string;
    /** json only: RFC 6901. */
    pointer?: string;
    /** json only; absent: the value exists. */
    op?: '=' | '!=' | '<' | '<=' | '>' | '>=';
    /** Name of the capture. */
    as?: string;
    /** In a rule only: name of the capture that must have changed. */
    onChange?: string;
    /** In a rule only: a length of time, as in 250ms. */
    debounce?: string;
    /** In a rule only: how often in any one second. */
    atMost?: number;
};

export type Send = {
    send: string;
    encoding?: 'text' | 'hex' | 'base64';
};

export type Await = {
    await: Match[];
};

/** A step of a greeting. */
export type Step = Send | Await;

/** A value as the project file has it written: a text for every single value (also numbers and truths, so that ${…} may stand anywhere), an array for lists, matches and steps. A secret is read as Kept and written as a text (a new value) or as Kept. */
export type Value = string | Kept | string[] | Match[] | Step[];

/** By id of the setting or argument. What is absent stands at its default. */
export type Values = Record<string, Value>;

/** A value that a module told: typed; null if it was never told. Bytes are lower-case hex, with `hex` beside them. */
export type Told = string | number | boolean | null;

export type Choice = {
    value: string;
    label: string;
    /** Of a state: the plain sentence that explains it. */
    help: string;
};

/** A status, a trigger's variable or an action's argument. */
export type Field = {
    id: string;
    number: number;
    label: string;
    help: string;
    type: 'bool' | 'int' | 'real' | 'text' | 'choice' | 'secret' | 'file' | 'match' | 'steps' | 'data';
    unit?: string;
    choices?: Choice[];
    /** Smallest value; of a text the shortest length in bytes. */
    min?: number;
    max?: number;
    /** As it would be written. */
    default?: string;
    required?: boolean;
    list?: boolean;
    /** Part of the compatibility surface. */
    original?: boolean;
};

export type Setting = {
    id: string;
    number: number;
    label: string;
    help: string;
    type: 'bool' | 'int' | 'real' | 'text' | 'choice' | 'secret' | 'file' | 'match' | 'steps' | 'data';
    unit?: string;
    choices?: Choice[];
    /** Smallest value; of a text the shortest length in bytes. */
    min?: number;
    max?: number;
    /** As it would be written. */
    default?: string;
    required?: boolean;
    list?: boolean;
    /** Part of the compatibility surface. */
    original?: boolean;
    /** Applies without dropping the connection. */
    live?: boolean;
    /** Folded away at first. */
    advanced?: boolean;
    /** set: ${secret:…} and ${env:…} only; use: every insertion. */
    expand?: 'set' | 'use';
    /** Changing it asks for the values of the instance's secrets again. */
    asksForSecrets?: boolean;
};

export type Group = {
    label: string;
    settings: Setting[];
};

export type Trigger = {
    id: string;
    number: number;
    label: string;
    help: string;
    original?: boolean;
    variables: Field[];
    /** Absent: this trigger takes no match. */
    match?: {
        /** Id of the variable that is tested. */
        variable: string;
        label: string;
    };
};

export type Action = {
    id: string;
    number: number;
    label: string;
    help: string;
    original?: boolean;
    arguments: Field[];
};

/** A module's manifest as JSON, and what the project's <defaults> say of it. */
export type Module = {
    /** "host" is the host itself: triggers and actions for rules, no instances. */
    id: string;
    label: string;
    version: string;
    help: string;
    /** Changes with everything that stands here. */
    token: string;
    groups: Group[];
    statuses: Field[];
    triggers: Trigger[];
    actions: Action[];
    /** Id of the status that says in one word how an instance is: connection-status, or else the first one of type choice. */
    stateStatus?: string;
    /** Test connection is offered. */
    testable?: boolean;
    defaults?: Values;
    /** Why it cannot be used, in one sentence. */
    problem?: string;
};

export type Mistake = {
    /** Exactly what `iomhost check` says. */
    sentence: string;
    warning: boolean;
    /** Where in the request body, as a JSON pointer: /name, /settings/port, /settings/headers/2, /on/0/match/1, /do/0/arguments/message, /rows/3/settings/port. */
    at?: string;
    /** In an instance's warnings: which setting. */
    setting?: string;
    /** Of an XML text. */
    line?: number;
    column?: number;
};

/** What a request would meet, without doing it. */
export type Check = {
    /** No mistake; warnings do not count. */
    ok: boolean;
    mistakes: Mistake[];
    /** Ids of secret settings whose values must be given again before this can be saved. */
    needsSecrets?: string[];
    /** Saving drops and remakes the connection. */
    restarts?: boolean;
    /** Rules that are changed along, or would be removed. */
    rules?: string[];
};

/** One line of the list. */
export type InstanceSummary = {
    name: string;
    module: string;
    /** Changes with everything that is configured of it, secrets included. To be sent as If-Match. */
    revision: string;
    /** Where it leads, for people: ws://127.0.0.1:9001/press. Without credentials, query values of secrets hidden. */
    address?: string;
    /** Value of the module's stateStatus. */
    state: string | null;
    /** When the state was entered. */
    since: number | null;
    /** Sentence of last-error; absent where there is none, and once the instance is well again. */
    lastError?: string;
    lastErrorLayer?: string;
    lastErrorCode?: string;
    /** When it last failed: milliseconds since 1970, by the controller's clock. */
    lastErrorAt?: number;
    /** When it first failed like this, without a session in between. */
    lastErrorSince?: number;
    /** When the next attempt comes by itself. */
    nextRetryAt?: number;
    attempt?: number;
    /** Last, in ms. */
    roundTrip?: number;
    /** Messages per second over the last ten seconds. */
    sentRate: number;
    receivedRate: number;
    /** What the host does with it. broken: the module failed; see phaseSentence. */
    phase: 'idle' | 'running' | 'restarting' | 'leaving' | 'broken';
    phaseSentence?: string;
    /** What was last asked for; absent where the module has no Connect. */
    wanted?: 'connected' | 'disconnected';
    /** Ids of settings that are on and cost something: extended-logging, log-comms. */
    badges?: string[];
    /** How many warnings the check has for it. */
    warnings?: number;
};

/** Only what has changed; null takes an optional member away. */
export type InstanceChange = {
    name: string;
    module?: string;
    /** Changes with everything that is configured of it, secrets included. To be sent as If-Match. */
    revision?: string;
    /** Where it leads, for people: ws://127.0.0.1:9001/press. Without credentials, query values of secrets hidden. */
    address?: string | null;
    /** Value of the module's stateStatus. */
    state?: string | null;
    /** When the state was entered. */
    since?: number | null;
    /** Sentence of last-error; absent where there is none, and once the instance is well again. */
    lastError?: string | null;
    lastErrorLayer?: string | null;
    lastErrorCode?: string | null;
    /** Milliseconds since 1970, by the controller's clock. */
    lastErrorAt?: number | null;
    /** Milliseconds since 1970, by the controller's clock. */
    lastErrorSince?: number | null;
    /** When the next attempt comes by itself. */
    nextRetryAt?: number | null;
    attempt?: number | null;
    /** Last, in ms. */
    roundTrip?: number | null;
    /** Messages per second over the last ten seconds. */
    sentRate?: number;
    receivedRate?: number;
    /** What the host does with it. broken: the module failed; see phaseSentence. */
    phase?: 'idle' | 'running' | 'restarting' | 'leaving' | 'broken';
    phaseSentence?: string | null;
    /** What was last asked for; absent where the module has no Connect. */
    wanted?: 'connected' | 'disconnected';
    /** Ids of settings that are on and cost something: extended-logging, log-comms. */
    badges?: string[] | null;
    /** How many warnings the check has for it. */
    warnings?: number | null;
};

export type Status = {
    value: Told;
    /** Of its last change; null: never told. */
    at: number | null;
    /** The value is bytes. */
    hex?: boolean;
    /** It is, or may be, longer than what is shown. Its end is left out, so that no part of a secret shows there. */
    cut?: boolean;
};

export type Instance = {
    summary: InstanceSummary;
    /** What the file sets for this instance; secrets as Kept. */
    settings: Values;
    /** By id. */
    statuses: Record<string, Status>;
    /** Rules that speak of it. */
    usedBy: string[];
    warnings: Mistake[];
};

export type InstanceDraft = {
    /** To add: its name. To save: absent, or the same. */
    name?: string;
    /** To add. */
    module?: string;
    settings: Values;
};

export type InstanceText = {
    /** One <instance> element. */
    text: string;
    /** Instead of the one in the text. */
    name?: string;
};

export type Renamed = {
    name: string;
};

export type Table = {
    module: string;
    /** Name of an instance whose settings every row starts from, secrets included. */
    like?: string;
    rows: {
        name: string;
        settings: Values;
    }[];
};

export type Applied = {
    /** Of what was changed; or of the project. */
    revision: string;
    /** Of the project from now on. */
    generation: number;
    name?: string;
    rules?: string[];
    warnings?: Mistake[];
};

export type Call = {
    call: number;
    instance: string;
    action: string;
    state: 'running' | 'done' | 'failed' | 'timed-out';
    sentence?: string;
    milliseconds: number;
};

export type Arguments = {
    arguments?: Values;
};

export type TestStep = {
    layer: 'settings' | 'dns' | 'tcp' | 'proxy' | 'tls' | 'http' | 'upgrade' | 'ready' | 'pong';
    label: string;
    state: 'waiting' | 'running' | 'passed' | 'failed' | 'skipped';
    milliseconds?: number;
    /** What was found: an address, a TLS version, a status line. */
    detail?: string;
    /** Why it failed, what to do. */
    sentence?: string;
};

export type Test = {
    test: number;
    instance: string;
    ended: boolean;
    passed?: boolean;
    /** Counts up with every change. */
    step: number;
    steps: TestStep[];
    /** The whole in one sentence. */
    sentence?: string;
    milliseconds: number;
};

export type TestDraft = {
    /** A draft to try instead of what is saved. */
    settings?: Values;
};

/** The last hour: 360 buckets of ten seconds. */
export type History = {
    name: string;
    /** Start of the first bucket. */
    from: number;
    /** Milliseconds in a bucket. */
    step: number;
    /** ms, mean of each bucket; null: no ping came back in it. */
    roundTrip: (number | null)[];
    /** Messages per second; null: the host did not run. */
    sent: (number | null)[];
    received: (number | null)[];
    /** Changes of state, oldest first; the first entry is the state at `from`. */
    states: {
        /** Milliseconds since 1970, by the controller's clock. */
        at: number;
        state: string | null;
    }[];
};

export type On = {
    /** instance/trigger, * /trigger or host/trigger. */
    trigger: string;
    /** Of host/every. */
    interval?: string;
    match?: Match[];
};

/** One of status, variable and value; at least one comparison. */
export type When = {
    /** instance/status */
    status?: string;
    variable?: string;
    /** A trigger's variable, or a text with insertions. */
    value?: string;
    is?: string;
    'is-not'?: string;
    less?: string;
    greater?: string;
    contains?: string;
};

export type Do = {
    /** instance/action, this/action or host/action. */
    action: string;
    after?: string;
    arguments?: Values;
};

export type RuleDraft = {
    /** Empty is a mistake that the check tells. */
    name: string;
    /** Absent: on for a rule that is added, as it is for one that is saved. */
    enabled?: boolean;
    stop?: boolean;
    on: On[];
    when?: When[];
    do: Do[];
    /** To add: the rule that it is put before; absent: at the end. */
    before?: string;
};

export type Report = {
    fired: number;
    /** Milliseconds since 1970, by the controller's clock. */
    lastFired?: number;
    /** Milliseconds since 1970, by the controller's clock. */
    lastLooked?: number;
    lastSaid: 'never' | 'fired' | 'waiting' | 'disabled' | 'no-match' | 'condition' | 'unchanged' | 'too-often' | 'stopped' | 'too-deep' | 'unsupplied' | 'other-trigger';
    /** What lastSaid means: a whole sentence that begins with It or Its. */
    sentence?: string;
    /** Milliseconds since 1970, by the controller's clock. */
    lastNo?: number;
    lastNoSaid?: 'never' | 'fired' | 'waiting' | 'disabled' | 'no-match' | 'condition' | 'unchanged' | 'too-often' | 'stopped' | 'too-deep' | 'unsupplied' | 'other-trigger';
    /** Why it last said no: a whole sentence. */
    lastNoSentence?: string;
};

export type Rule = {
    name: string;
    revision: string;
    enabled: boolean;
    stop: boolean;
    on: On[];
    when: When[];
    do: Do[];
    /** Needs nothing of a trigger, so that it can be fired by hand. */
    byHand: boolean;
    report: Report;
    warnings?: Mistake[];
};

export type Variable = {
    name: string;
    type: 'bool' | 'int' | 'real' | 'text';
    initial: string;
    value: Told;
    /** Milliseconds since 1970, by the controller's clock. */
    at?: number | null;
    usedBy: string[];
    revision: string;
};

export type VariableDraft = {
    type: 'bool' | 'int' | 'real' | 'text';
    initial: string;
};

export type Rules = {
    /** Of the order and of every rule. */
    revision: string;
    rules: Rule[];
    variables: Variable[];
};

export type Order = {
    /** Every rule, exactly once. */
    names: string[];
};

export type Enabled = {
    enabled: boolean;
};

/** Something that has happened, made up. */
export type Sample = {
    /** instance/trigger; of a rule that listens to *, which instance. */
    trigger: string;
    /** By id. */
    variables?: Record<string, string | number | boolean>;
    /** The tested variable is given as hex. */
    hex?: boolean;
};

export type TryDraft = {
    rule: RuleDraft;
    sample: Sample;
};

export type Capture = {
    /** As in ${3}. */
    number: number;
    name?: string;
    value: string;
};

/** What a rule would do. Nothing is sent and no count changes. */
export type Tried = {
    rule: string;
    said: 'never' | 'fired' | 'waiting' | 'disabled' | 'no-match' | 'condition' | 'unchanged' | 'too-often' | 'stopped' | 'too-deep' | 'unsupplied' | 'other-trigger';
    /** A whole sentence that begins with It or Its. */
    sentence: string;
    /** Which <on> listens. */
    on?: number;
    matches: {
        holds: boolean;
        /** Goes on from “the message”: contains "ALARM". */
        sentence: string;
    }[];
    captures: Capture[];
    conditions: {
        written: string;
        holds: boolean;
        /** What stands there now. */
        found?: string;
        sentence: string;
    }[];
    would: {
        action: string;
        after?: string;
        arguments: Record<string, string>;
        /** Why it could not be done. */
        sentence?: string;
    }[];
};

export type Replay = {
    number: number;
    /** The message was kept whole. If not, what is said here is about its beginning. */
    whole: boolean;
    rules: Tried[];
    stoppedBy?: string;
};

export type Fired = {
    fired: boolean;
    sentence: string;
};

export type Message = {
    text: string;
    hex?: boolean;
    cut?: boolean;
};

export type Look = {
    rule: string;
    said: 'never' | 'fired' | 'waiting' | 'disabled' | 'no-match' | 'condition' | 'unchanged' | 'too-often' | 'stopped' | 'too-deep' | 'unsupplied' | 'other-trigger';
    /** A whole sentence that begins with It or Its. */
    sentence: string;
    acts: {
        action: string;
        state: 'done' | 'begun' | 'refused' | 'put-off' | 'given-up' | 'timed-out';
        sentence?: string;
        /** Of put-off: how much later. */
        milliseconds?: number;
    }[];
};

export type TraceEvent = {
    number: number;
    /** Milliseconds since 1970, by the controller's clock. */
    time: number;
    cause: 'trigger' | 'rule' | 'hand' | 'debounce';
    /** The rule that fired it. */
    by?: string;
    trigger: string;
    message?: Message;
    /** Those that are no message, as people read them. */
    variables?: Record<string, string>;
    /** Rules that listen to it. */
    listeners: number;
    looks: Look[];
    stoppedBy?: string;
    /** Looks and acts beyond what is kept. */
    omitted: number;
};

export type Trace = {
    /** Newest first. */
    events: TraceEvent[];
    /** Events so far. */
    total: number;
};

export type LogRecord = {
    number: number;
    /** Milliseconds since 1970, by the controller's clock. */
    time: number;
    level: 'error' | 'warning' | 'info' | 'debug' | 'frame';
    instance?: string;
    rule?: string;
    text: string;
};

export type Log = {
    /** Oldest first. */
    records: LogRecord[];
    /** There are older ones. */
    more: boolean;
};

export type Frame = {
    number: number;
    /** Milliseconds since 1970, by the controller's clock. */
    time: number;
    instance: string;
    way: 'in' | 'out';
    /** text, binary, ping, pong, close, continuation; or what a module calls it. */
    opcode: string;
    fin: boolean;
    /** Bytes of the payload. */
    length: number;
    /** At most 4 KiB of it. */
    payload: string;
    hex?: boolean;
    cut?: boolean;
};

export type Frames = {
    frames: Frame[];
    more: boolean;
};

export type System = {
    version: string;
    build?: string;
    /** Milliseconds since 1970, by the controller's clock. */
    started: number;
    memory: {
        /** Bytes. */
        resident: number;
        peak: number;
    };
    threads: number;
    /** Open file descriptors. */
    descriptors: number;
    loop: {
        /** Share of the last ten seconds, 0 to 1. */
        busy: number;
        /** Longest turn in the last minute, ms. */
        longest: number;
    };
    machine?: string;
    log: {
        dropped: number;
        folder?: string;
    };
    web: {
        address: string;
        https: boolean;
        passwordSet: boolean;
        /** Open channels. */
        viewers: number;
    };
    project: {
        name: string;
        file: string;
        revision: string;
        generation: number;
        /** The file against what runs. */
        onDisk: 'same' | 'changed' | 'broken' | 'gone';
        mistakes?: Mistake[];
        instances: number;
        rules: number;
    };
};

/** Each includes the ones before it. */
export type Rights = ('read' | 'operate' | 'configure')[];

export type Session = {
    /** open: no password is set and none is needed here. first-password: one must be set, with the code that the console prints. log-in: one is needed. in: logged in. */
    state: 'open' | 'first-password' | 'log-in' | 'in';
    rights: Rights;
    /** open, first-password: setting the first password takes the one-time code. */
    codeNeeded?: boolean;
    /** At the latest. */
    endsAt?: number;
    /** Ends after so long without a request. */
    idleMinutes?: number;
    /** Its name; only with a right. */
    project?: string;
};

export type LogIn = {
    password: string;
};

export type FirstPassword = {
    /** One-time code; not needed where state is open. */
    code?: string;
    password: string;
};

export type NewPassword = {
    old: string;
    password: string;
};

export type Token = {
    id: number;
    name: string;
    right: 'read' | 'operate' | 'configure';
    /** Milliseconds since 1970, by the controller's clock. */
    created: number;
    /** Milliseconds since 1970, by the controller's clock. */
    expires?: number;
    /** Milliseconds since 1970, by the controller's clock. */
    lastUsed?: number;
};

export type TokenDraft = {
    name: string;
    right: 'read' | 'operate' | 'configure';
    /** Until it expires; absent: never. */
    days?: number;
};

export type NewToken = {
    /** Told this once. */
    token: string;
    info: Token;
};

export type Certificate = {
    https: boolean;
    generated?: boolean;
    subject?: string;
    names?: string[];
    issuer?: string;
    /** Milliseconds since 1970, by the controller's clock. */
    notBefore?: number;
    /** Milliseconds since 1970, by the controller's clock. */
    notAfter?: number;
    /** SHA-256. */
    fingerprint?: string;
};

export type CertificateDraft = {
    /** PEM, the chain in order. */
    certificate: string;
    /** PEM, not encrypted. Never told again. */
    key: string;
};

export type Secret = {
    name: string;
    /** instance name, or rule name in quotes. */
    usedBy: string[];
    /** Changes with every change of the secrets. To be sent as If-Match. */
    revision: string;
};

export type SecretDraft = {
    value: string;
};

export type File = {
    name: string;
    size: number;
    /** Milliseconds since 1970, by the controller's clock. */
    changed: number;
    usedBy: string[];
    /** Changes whenever the file is written. To be sent as If-Match. */
    revision: string;
};

export type Problem = {
    /** For programs. */
    error: 'bad-request' | 'unauthorised' | 'forbidden' | 'not-found' | 'method' | 'conflict' | 'changed' | 'too-large' | 'media-type' | 'mistakes' | 'revision-missing' | 'too-often' | 'busy' | 'failed';
    /** What, where, what next; for people. */
    sentence: string;
    mistakes?: Mistake[];
    needsSecrets?: string[];
    /** Seconds. */
    retryAfter?: number;
    /** changed: as it stands now. */
    instance?: Instance;
    /** changed: as it stands now. */
    rule?: Rule;
    revision?: string;
};

export type SubscribeFilter = {
    /** instance, log, frames, trace. */
    instance?: string;
    /** log, trace. */
    rule?: string;
    /** log: this and worse. */
    level?: 'error' | 'warning' | 'info' | 'debug' | 'frame';
    /** log, frames: holds this, case ignored. */
    search?: string;
    way?: 'in' | 'out';
};

/** What a page may say on the channel. */
export type FromPage = {
    type: 'subscribe';
    /** Chosen by the page; a new subscription with the same id takes the old one's place. */
    id: number;
    topic: 'modules' | 'instance' | 'rules' | 'log' | 'frames' | 'trace' | 'system';
    filter?: SubscribeFilter;
} | {
    type: 'unsubscribe';
    id: number;
};

export type ModulesState = {
    /** Token of each module's manifest, by id; GET /api/modules anew where one differs. */
    modules: Record<string, string>;
    /** Names in the file's order. */
    order: string[];
    instances: Record<string, InstanceSummary>;
};

export type ModulesChange = {
    modules?: Record<string, string>;
    /** Whenever an instance came or went; those not in it have gone. */
    order?: string[];
    /** Of a new one everything. */
    instances?: Record<string, InstanceChange>;
};

/** null: there is no such instance (now). */
export type InstanceState = Instance | null;

export type InstanceDelta = {
    statuses?: Record<string, Status>;
    /** In full, when its configuration changed. */
    instance?: InstanceState;
};

export type RulesChange = {
    /** In full, when anything of them was edited. */
    rules?: Rules;
    reports?: Record<string, Report>;
    variables?: Record<string, {
        value: Told;
        /** Milliseconds since 1970, by the controller's clock. */
        at: number | null;
    }>;
};

export type LogChange = {
    records: LogRecord[];
    /** Records left out because this reader was too slow, or too many came. */
    skipped: number;
};

export type FramesChange = {
    frames: Frame[];
    skipped: number;
};

export type TraceChange = {
    /** New ones, and earlier ones whose actions have ended since. Newest last. */
    events: TraceEvent[];
    skipped: number;
};

/** What the host says on the channel. */
export type ToPage = {
    type: 'hello';
    /** Of this run of the host; another one means that it was started anew. */
    boot: string;
    /** Of the page's files; another one means that the page should be loaded anew. */
    page: string;
    /** Milliseconds since 1970, by the controller's clock. */
    now: number;
    version: string;
    rights: Rights;
} | {
    type: 'full';
    topic: 'modules';
    id: number;
    /** 0 in full, then one more each; a gap is a fault of the server. */
    seq: number;
    /** The controller's clock when this was made. */
    now: number;
    /** Of the project. */
    generation: number;
    state: ModulesState;
} | {
    type: 'change';
    topic: 'modules';
    id: number;
    /** 0 in full, then one more each; a gap is a fault of the server. */
    seq: number;
    /** The controller's clock when this was made. */
    now: number;
    /** Of the project. */
    generation: number;
    change: ModulesChange;
} | {
    type: 'full';
    topic: 'instance';
    id: number;
    /** 0 in full, then one more each; a gap is a fault of the server. */
    seq: number;
    /** The controller's clock when this was made. */
    now: number;
    /** Of the project. */
    generation: number;
    state: InstanceState;
} | {
    type: 'change';
    topic: 'instance';
    id: number;
    /** 0 in full, then one more each; a gap is a fault of the server. */
    seq: number;
    /** The controller's clock when this was made. */
    now: number;
    /** Of the project. */
    generation: number;
    change: InstanceDelta;
} | {
    type: 'full';
    topic: 'rules';
    id: number;
    /** 0 in full, then one more each; a gap is a fault of the server. */
    seq: number;
    /** The controller's clock when this was made. */
    now: number;
    /** Of the project. */
    generation: number;
    state: Rules;
} | {
    type: 'change';
    topic: 'rules';
    id: number;
    /** 0 in full, then one more each; a gap is a fault of the server. */
    seq: number;
    /** The controller's clock when this was made. */
    now: number;
    /** Of the project. */
    generation: number;
    change: RulesChange;
} | {
    type: 'full';
    topic: 'log';
    id: number;
    /** 0 in full, then one more each; a gap is a fault of the server. */
    seq: number;
    /** The controller's clock when this was made. */
    now: number;
    /** Of the project. */
    generation: number;
    state: Log;
} | {
    type: 'change';
    topic: 'log';
    id: number;
    /** 0 in full, then one more each; a gap is a fault of the server. */
    seq: number;
    /** The controller's clock when this was made. */
    now: number;
    /** Of the project. */
    generation: number;
    change: LogChange;
} | {
    type: 'full';
    topic: 'frames';
    id: number;
    /** 0 in full, then one more each; a gap is a fault of the server. */
    seq: number;
    /** The controller's clock when this was made. */
    now: number;
    /** Of the project. */
    generation: number;
    state: Frames;
} | {
    type: 'change';
    topic: 'frames';
    id: number;
    /** 0 in full, then one more each; a gap is a fault of the server. */
    seq: number;
    /** The controller's clock when this was made. */
    now: number;
    /** Of the project. */
    generation: number;
    change: FramesChange;
} | {
    type: 'full';
    topic: 'trace';
    id: number;
    /** 0 in full, then one more each; a gap is a fault of the server. */
    seq: number;
    /** The controller's clock when this was made. */
    now: number;
    /** Of the project. */
    generation: number;
    state: Trace;
} | {
    type: 'change';
    topic: 'trace';
    id: number;
    /** 0 in full, then one more each; a gap is a fault of the server. */
    seq: number;
    /** The controller's clock when this was made. */
    now: number;
    /** Of the project. */
    generation: number;
    change: TraceChange;
} | {
    type: 'full';
    topic: 'system';
    id: number;
    /** 0 in full, then one more each; a gap is a fault of the server. */
    seq: number;
    /** The controller's clock when this was made. */
    now: number;
    /** Of the project. */
    generation: number;
    state: System;
} | {
    type: 'change';
    topic: 'system';
    id: number;
    /** 0 in full, then one more each; a gap is a fault of the server. */
    seq: number;
    /** The controller's clock when this was made. */
    now: number;
    /** Of the project. */
    generation: number;
    change: System;
} | {
    type: 'error';
    id?: number;
    error: 'bad-request' | 'forbidden' | 'too-many';
    sentence: string;
} | {
    type: 'alive';
    /** Milliseconds since 1970, by the controller's clock. */
    now: number;
} | {
    type: 'bye';
    reason: 'session-ended' | 'rights-changed' | 'shutdown' | 'too-fast';
    sentence: string;
};
