// What a spec needs of whatever it runs against, over the mock. Another one, over the real host, its module and
// a real peer, is named by IOM_DRIVER and has the same functions.
import { start } from '../mock/main.mjs';
import { projectXml } from '../mock/views.mjs';
import { Inspector } from './contract.mjs';

/**
 * A host at work. `project`: 'demo' (the instances and rules of the mock's demo) or 'plain' (nothing);
 * `password`: null for none needed, '' for one to be set with the code, or the password.
 */
export async function begin({ project = 'demo', password = null } = {}) {
    const inspector = new Inspector();
    const host = await start({ project, password, onAnswer: (one) => inspector.answer(one) });
    host.api.onAsk = (one) => inspector.ask(one);
    host.api.onHear = (one) => inspector.heard(one);
    host.api.onSay = (one) => inspector.said(one);
    host.world.chatter = false;
    const floods = new Set();
    return {
        url: host.url,
        code: host.code,
        /** A server that takes connections and sends back what it is sent; it can be stopped and started. */
        server: { hostname: '127.0.0.1', port: '9001', path: '/echo', stop: () => host.world.server('127.0.0.1:9001', false), start: () => host.world.server('127.0.0.1:9001', true) },
        /** A place where nothing listens. */
        nowhere: { hostname: '127.0.0.1', port: '9444' },
        /** The server sends that instance a message. */
        say: (instance, message) => host.world.say(instance, message),
        /** That instance is sent more messages than anybody can read, with Log Comms on, until the answer is called. */
        async flood(instance) {
            host.world.instances.find((one) => one.name === instance).settings['log-comms'] = 'true';
            const timer = setInterval(() => {
                for (let i = 0; i < 20; ++i) host.world.frame(instance, 'in', 'text', 'x'.repeat(200));
            }, 10);
            floods.add(timer);
            return async () => clearInterval(timer);
        },
        /** The machine that `press` leads to has received this. */
        async heard(message) {
            while (host.world.units.get('press').statuses['last-sent'].value !== message) await new Promise((go) => setTimeout(go, 10));
        },
        /** The host cannot be reached by the page, then can be again. */
        cut: () => host.cut(),
        /** What broke the contract so far. */
        breaches: () => inspector.breaches,
        /** The operations that have been answered well. */
        answered: () => inspector.answered,
        /** How the host is, and what it said last. */
        last: () => `the mock's last lines:\n${host.world.log.slice(-20).map((one) => `${one.instance ?? ''} ${one.text}`).join('\n')}`,
        /** Comes true when the host has ended though nobody asked it to. */
        died: new Promise(() => {}),
        mend: () => host.mend(),
        /** The host stops in its tracks: nothing is closed, nothing answered; then it goes on. */
        freeze: () => host.freeze(),
        thaw: () => host.thaw(),
        /** Somebody changes the project's file by hand: `change` makes the new text of the old one. */
        async editFile(change) {
            host.world.onDisk = change(projectXml(host.world));
        },
        /** Everything that the host has written down or tells, as one text: no secret may be in it. */
        everything: async () => JSON.stringify([host.world.log, host.world.frames, host.world.trace]),
        async stop() {
            floods.forEach(clearInterval);
            await host.stop();
            if (inspector.breaches.length) throw new Error(inspector.breaches.slice(0, 3).join('\n'));
        },
    };
}
