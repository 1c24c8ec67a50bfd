// What the page says is so: numbers, times, what is there and what is not; and it stays where people read and aim.
import assert from 'node:assert/strict';
import { phone, fits, spec } from './support.mjs';

/** A page whose channel says something else on a topic: `as` gets the channel's messages and may change them. */
async function told(context, open, at, topic, as) {
    let say;
    await context.routeWebSocket(/\/api\/channel$/, (page) => {
        const host = page.connectToServer();
        const taken = {};
        page.onMessage((text) => host.send(text));
        host.onMessage((text) => {
            const message = JSON.parse(text);
            if (message.topic !== topic) return page.send(text);
            // What is said later has its own count, and nothing of the host's comes between.
            if (message.type === 'change') return;
            Object.assign(taken, { id: message.id, now: message.now, generation: message.generation, seq: 0 });
            as(message);
            page.send(JSON.stringify(message));
        });
        say = (change) => page.send(JSON.stringify({ ...taken, type: 'change', topic, seq: ++taken.seq, change }));
    });
    const page = await open(at);
    return { page, say: (change) => say(change) };
}

const instant = 1_790_000_000_000;
const frame = (number, opcode, payload) => ({ number, time: instant + number, instance: 'roof', way: 'in', opcode, fin: true, length: payload.length, payload });
const event = (number, text) => ({ number, time: instant + number, cause: 'trigger', trigger: 'press/message-received', message: { text }, listeners: 1, looks: [], omitted: 0 });

spec('plots write their numbers as they are', { at: '' }, async ({ context, open }) => {
    const table = [[0, '0'], [0.25, '0.25'], [0.5, '0.5'], [9.999, '10'], [10, '10'], [12.25, '12.3'], [99.94, '99.9'], [100, '100'], [120, '120'], [1000, '1\u202f000'], [12_340.4, '12\u202f340']];
    await context.route('**/history', async (route) => {
        const history = await (await route.fetch()).json();
        await route.fulfill({ json: { ...history, roundTrip: table.map(([value]) => value) } });
    });
    const page = await open('#/io/press');
    const plot = page.locator('.plot', { has: page.getByRole('heading', { name: 'Round trip' }) });
    await plot.getByRole('img').focus();
    const shown = [];
    for (const _ of table.slice(1)) {
        await page.keyboard.press('ArrowLeft');
        shown.unshift(await plot.locator('.legend b').innerText());
    }
    assert.deepEqual(shown, table.slice(0, -1).map(([, word]) => word));
    await page.keyboard.press('ArrowRight');
    assert.match(await plot.getByRole('img').getAttribute('aria-label'), /at most 12\u202f340 ms/);
});

spec('what is mended is told as past, in no box and for no time', { at: '#/io/press' }, async ({ page, host }) => {
    const word = page.locator('.now .word');
    await word.filter({ hasText: 'Ready' }).waitFor();
    host.server.stop();
    await page.locator('.lasterror').waitFor();
    host.server.start();
    await word.filter({ hasText: 'Ready' }).waitFor();
    await page.getByRole('button', { name: 'Disconnect', exact: true }).click();
    await word.filter({ hasText: 'Stopped' }).waitFor();
    assert.equal(await page.locator('.lasterror').count(), 0);
    assert.notEqual(await page.locator('.statuses > div', { hasText: 'Last error' }).first().locator('dd').first().innerText(), '–');
});

spec('what failed until somebody stopped it is its last error, and grows no older', { at: '#/io/crane' }, async ({ page }) => {
    await page.getByRole('alert').filter({ hasText: /refused/ }).waitFor();
    await page.getByRole('button', { name: 'Disconnect', exact: true }).click();
    await page.locator('.now .word', { hasText: 'Stopped' }).waitFor();
    assert.match(await page.locator('.lasterror .layer').innerText(), /^Last error: TCP connection\s+ECONNREFUSED\s+\d\d:\d\d:\d\d$/);
    assert.equal(await page.getByRole('alert').count(), 0);
});

spec('messages among many pings are found without them', { at: '' }, async ({ context, open }) => {
    await context.route('**/api/frames?*', (route) => route.fulfill({ json: { frames: [frame(1, 'text', 'older')], more: false } }));
    const pings = (from, count) => Array.from({ length: count }, (_, i) => frame(from + i, 'ping', ''));
    const { page } = await told(context, open, '#/io/roof/frames', 'frames', (full) => (full.state = { frames: [frame(2, 'text', 'first'), ...pings(3, 400)], more: true }));
    await page.locator('.frames .ping').first().waitFor();
    await page.getByLabel('Pings').uncheck();
    await page.locator('.frames li.text', { hasText: 'first' }).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Export' }).isEnabled(), true);
    await page.getByRole('button', { name: 'Earlier frames' }).click();
    await page.locator('.frames li.text', { hasText: 'older' }).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Earlier frames' }).count(), 0);
});

spec('where nothing of the newest fits, what came earlier can be asked for', { at: '' }, async ({ context, open }) => {
    await context.route('**/api/frames?*', (route) => route.fulfill({ json: { frames: [frame(1, 'text', 'older')], more: false } }));
    const { page } = await told(context, open, '#/io/roof/frames', 'frames', (full) => (full.state = { frames: [frame(2, 'ping', '')], more: true }));
    await page.getByLabel('Pings').uncheck();
    await page.getByText('No frame that fits.').waitFor();
    await page.getByRole('button', { name: 'Earlier frames' }).click();
    await page.locator('.frames li.text', { hasText: 'older' }).waitFor();
});

spec('events that come while one is read or aimed at wait their turn', { at: '' }, async ({ context, open }) => {
    const { page, say } = await told(context, open, '#/trace', 'trace', (full) => (full.state = { events: [event(2, 'two'), event(1, 'one')], total: 2 }));
    const rows = page.locator('.events .line code');
    await rows.filter({ hasText: 'one' }).click();
    await page.mouse.move(5, 5);
    await say({ events: [event(3, 'three'), event(4, 'four'), { ...event(2, 'two'), looks: [{ rule: 'Report', said: 'fired', sentence: 'It fired.', acts: [] }] }], skipped: 0 });
    const button = page.getByRole('button', { name: '2 new events' });
    await button.waitFor();
    // What is shown already is told of all the same.
    await page.locator('.events li.good', { hasText: 'two' }).waitFor();
    assert.deepEqual(await rows.allInnerTexts(), ['two', 'one']);
    await button.click();
    await rows.filter({ hasText: 'four' }).waitFor();
    assert.deepEqual(await rows.allInnerTexts(), ['four', 'three', 'two', 'one']);

    await rows.filter({ hasText: 'one' }).click();
    await rows.filter({ hasText: 'two' }).hover();
    await say({ events: [event(5, 'five')], skipped: 0 });
    await page.getByRole('button', { name: '1 new event' }).waitFor();
    await page.mouse.move(5, 5);
    await rows.filter({ hasText: 'five' }).waitFor();
});

spec('a rule whose events were crowded out is said to have been looked at', { at: '#/io/press' }, async ({ context, page, open, host }) => {
    await page.locator('.now .word', { hasText: 'Ready' }).waitFor();
    await host.say('press', 'ALARM 17 level 3 pump overheated');
    await page.goto(`${host.url}/#/rules/Acknowledge%20alarms`);
    await page.getByText(/Fired once, last/).waitFor();
    const { page: other } = await told(context, open, '#/rules/Acknowledge%20alarms', 'trace', (full) => (full.state = { events: [], total: 5000 }));
    await other.getByRole('button', { name: 'What it did' }).click();
    await other.getByText(/None of the last 1,000 events was for this rule. It last looked at one (just now|.* ago)\./).waitFor();
});
