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
    await page.getByText(/Fired .*, last/).waitFor();
    const { page: other } = await told(context, open, '#/rules/Acknowledge%20alarms', 'trace', (full) => (full.state = { events: [], total: 5000 }));
    await other.getByRole('button', { name: 'What it did' }).click();
    await other.getByText(/None of the last 1,000 events was for this rule. It last looked at one (just now|.* ago)\./).waitFor();
});

spec('long names leave every form within the screen', { at: '', context: phone }, async ({ context, page, host, open }) => {
    const name = 'n'.repeat(63);
    const { summary, settings } = await (await context.request.get(`${host.url}/api/instances/press`)).json();
    assert.equal((await context.request.post(`${host.url}/api/instances`, { data: { name, module: summary.module, settings: { hostname: settings.hostname } } })).status(), 201);
    const rule = { name: 'Long', on: [{ trigger: `${name}/message-received`, match: [{ kind: 'contains', text: 'x' }] }, { trigger: `${name}/error` }], when: [{ status: `${name}/connection-status`, is: 'ready' }], do: [{ action: `${name}/send-message`, arguments: { message: 'x' } }] };
    assert.equal((await context.request.post(`${host.url}/api/rules`, { data: rule })).status(), 201);
    for (const [width, height] of [[360, 740], [1280, 800], [3840, 2160]]) {
        const wide = await open('#/rules/Long');
        await wide.setViewportSize({ width, height });
        const tried = wide.locator('.try');
        await tried.getByRole('combobox').waitFor();
        await fits(wide);
        const out = await tried.evaluate((card) => [...card.querySelectorAll('*')].filter((one) => one.getBoundingClientRect().right > card.getBoundingClientRect().right + 1).map((one) => one.outerHTML.slice(0, 80)));
        assert.deepEqual(out, [], `at ${width}`);
        await wide.close();
    }
    await context.route('**/api/session', async (route) => route.fulfill({ json: { ...(await (await route.fetch()).json()), project: 'A line whose name goes on and on and on, up to the roof' } }));
    await page.goto(`${host.url}/#/io`);
    await page.reload();
    const live = page.locator('.live');
    await live.getByText('Live').waitFor();
    const { x, width, height } = await live.boundingBox();
    assert.ok(x + width <= 360 && height < 30, `Live: ${x} ${width} ${height}`);
});

spec('what may be inserted follows from the manifests: of every trigger, of any module, into settings too', { at: '#/rules/+', expect: ['422'] }, async ({ page, host }) => {
    await page.getByRole('button', { name: 'Add a trigger' }).click();
    await page.getByRole('button', { name: /^Or/ }).click();
    await page.getByLabel('When 2, trigger').selectOption('error');
    await page.getByRole('button', { name: 'Add an action' }).click();
    await page.getByRole('button', { name: 'Insert a value into Message' }).click();
    const choices = page.locator('.popover .choices');
    for (const name of ['message', 'sentence', 'session/NAME', 'secret:NAME', 'env:IOM_NAME', 'char:1e', 'press/round-trip']) await choices.getByText(`\${${name}}`, { exact: true }).waitFor();
    await page.getByLabel('Find a value').fill('secret');
    await choices.getByText('${secret:NAME}', { exact: true }).click();
    // What is still to be written is chosen.
    await page.waitForFunction(() => document.activeElement?.tagName === 'TEXTAREA' && getSelection()?.toString() === 'NAME');

    await page.goto(`${host.url}/#/io/press/settings`);
    await page.getByRole('button', { name: 'Insert a value into Path' }).click();
    await choices.getByText('${uuid}', { exact: true }).waitFor();
    await choices.getByText('${secret:NAME}', { exact: true }).click();
    await page.waitForFunction(() => document.querySelector('[data-field=path] input').value.endsWith('${secret:NAME}'));
});

spec('Fire by hand says why it cannot', { at: '#/rules/Acknowledge%20alarms' }, async ({ page, host }) => {
    const button = page.getByRole('button', { name: 'Fire by hand' });
    await button.waitFor();
    assert.equal(await button.isDisabled(), true);
    await page.getByText('it uses what its trigger brings. Use Try it').waitFor();
    await page.goto(`${host.url}/#/rules/Night%20mode`);
    await page.locator('.title', { hasText: 'Not fired yet' }).waitFor();
    await page.getByText('It cannot be fired by hand while it is off.').waitFor();
    assert.equal(await button.isDisabled(), true);
});

spec('the answer to a request is shown, and the toggle of the actions stays in its place', { at: '#/io/press' }, async ({ page }) => {
    await page.locator('.now .word', { hasText: 'Ready' }).waitFor();
    const toggle = page.getByRole('button', { name: /^(More actions|Fewer)$/ });
    const before = await toggle.boundingBox();
    await toggle.click();
    assert.deepEqual((({ x, y }) => ({ x, y }))(await toggle.boundingBox()), { x: before.x, y: before.y });
    await page.getByRole('button', { name: 'Request …' }).click();
    await page.getByText('By hand, a text is taken as it is written').waitFor();
    await page.getByRole('textbox', { name: 'Message' }).fill('{"type":"bind","things":["press-1"]}');
    await page.getByRole('button', { name: 'Request', exact: true }).click();
    await page.getByText(/Request done in .*s; rules hear the answer as Reply received\./).waitFor();
    assert.match(await page.getByLabel('Answer', { exact: true }).and(page.locator('pre')).innerText(), /"bound"/);
});

spec('what comes and goes in a message moves nothing below it', { at: '#/io/press' }, async ({ page }) => {
    const sent = page.locator('.messages pre').first();
    await sent.waitFor();
    const below = page.locator('.statuses');
    const place = async (text) => {
        await sent.evaluate((one, text) => (one.textContent = text), text);
        return (await below.boundingBox()).y;
    };
    assert.equal(await place('short'), await place('long '.repeat(200)));
});

spec('a test that ends early does not miss what it never needed', { at: '#/io/crane' }, async ({ page }) => {
    await page.getByRole('button', { name: 'Test connection' }).click();
    const step = (name) => page.locator('.steps > li').filter({ hasText: new RegExp(`^${name}`) });
    await page.locator('.steps > li.failed').waitFor();
    assert.equal(await step('TLS').locator('.took').innerText(), 'not needed');
    assert.equal(await step('Upgrade').locator('.took').innerText(), 'not reached');
    assert.equal(await step('Settings').locator('meter').count(), 0);
});

spec('over HTTP from afar the log-in warns; on the controller itself it need not', { host: { password: 'correct horse' }, at: '' }, async ({ context, page, host }) => {
    await page.getByLabel('Password').waitFor();
    assert.equal(await page.getByText('This page comes over HTTP.').count(), 0);
    const afar = await context.newPage();
    await afar.route('http://controller.example/**', async (route) => route.fulfill({ response: await route.fetch({ url: route.request().url().replace('http://controller.example', host.url), headers: {} }) }));
    await afar.goto('http://controller.example/');
    await afar.getByText('This page comes over HTTP.').waitFor();
});

spec('a token expires after a number of days, or never', { at: '#/system' }, async ({ page }) => {
    await page.getByText('does not leave the computer that you sit at').waitFor();
    await page.getByRole('region', { name: 'Access' }).getByRole('button', { name: 'Add' }).click();
    await page.getByLabel('What for').fill('graphs');
    const days = page.getByLabel('Expires after, in days');
    for (const wrong of ['abc', '0', '4000']) {
        await days.fill(wrong);
        await page.getByText('A number of days from 1 to 3650').waitFor();
        assert.equal(await page.getByRole('button', { name: 'Make token' }).isDisabled(), true);
    }
    await days.fill('');
    await page.getByRole('button', { name: 'Make token' }).click();
    await page.getByLabel('The token', { exact: true }).waitFor();
});

spec('a name that is too long is told how long it may be', { at: '#/io/+/websocket-client', expect: ['422'] }, async ({ page }) => {
    await page.getByLabel('Name', { exact: true }).fill('n'.repeat(65));
    await page.locator('.sentence', { hasText: 'has 65 characters, too many for the name of an instance. Use at most 64.' }).waitFor();
});
