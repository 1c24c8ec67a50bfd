// Log, trace and frames as people read them: held, filtered, followed back in time.
import assert from 'node:assert/strict';
import { spec } from './support.mjs';

const word = (page) => page.locator('.now .word');

/** Presses that button until something is there, and each time more rows than before. */
async function backTo(page, name, rows, wanted) {
    for (let pressed = 0; pressed < 12 && (await wanted.count()) === 0; ++pressed) {
        const before = await rows.count();
        await page.getByRole('button', { name, exact: true }).click();
        await page.waitForFunction(([of, most]) => document.querySelectorAll(of).length > most, [rows.selector, before]);
    }
    await wanted.first().waitFor();
}
const listed = (page, selector) => Object.assign(page.locator(selector), { selector });

/**
 * Says two things while that page is paused and another one is not. When the other one shows the second, the first
 * has long come to both; the one that is paused must show neither.
 */
async function sayUnseen(host, instance, line, page, other) {
    for (const text of ['said while paused, one', 'said while paused, two']) {
        await host.say(instance, text);
        await other.locator(line, { hasText: text }).first().waitFor();
    }
    assert.equal(await page.locator(line, { hasText: 'said while paused' }).count(), 0);
}

spec('the log is paused and goes on; of one instance alone', { at: '#/log' }, async ({ page, open, host }) => {
    const other = await open('#/log');
    for (const one of [page, other]) await one.getByLabel('Level').selectOption('frame');
    await host.say('roof', 'said before');
    for (const one of [page, other]) await one.locator('.logline', { hasText: 'said before' }).first().waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'Go on' }).waitFor();
    const held = await page.locator('.logline').count();
    await sayUnseen(host, 'roof', '.logline', page, other);
    const kept = await (await page.request.get(`${host.url}/api/log?level=frame&search=said%20while%20paused`)).json();
    assert.ok(kept.records.length >= 2);
    assert.equal(await page.locator('.logline').count(), held);
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.locator('.logline', { hasText: 'said while paused, two' }).first().waitFor();

    const of = (name) => page.locator('.logline', { has: page.locator('a.source', { hasText: new RegExp(`^${name}$`) }) });
    await of('crane').first().waitFor();
    await page.getByLabel('Instance').selectOption('roof');
    await of('crane').first().waitFor({ state: 'detached' });
    await of('roof').first().waitFor();
    assert.equal(await page.locator('.logline').count(), await of('roof').count());
    await page.getByLabel('Instance').selectOption('crane');
    await of('crane').first().waitFor();
    assert.equal(await of('roof').count(), 0);
});

spec('earlier lines of the log come when they are asked for', { at: '' }, async ({ page, host }) => {
    await page.getByRole('link', { name: /^roof.*Ready/ }).waitFor();
    const all = Array.from({ length: 620 }, (_, i) => `counted-${String(i + 1).padStart(3, '0')}`);
    for (const one of all) await host.say('roof', one);
    await page.goto(`${host.url}/#/log`);
    await page.getByLabel('Level').selectOption('frame');
    await page.getByLabel('Search in the log').fill('counted-');
    const rows = listed(page, '.logline');
    await rows.filter({ hasText: all.at(-1) }).first().waitFor();
    assert.equal(await rows.filter({ hasText: all[0] }).count(), 0);
    await backTo(page, 'Earlier lines', rows, rows.filter({ hasText: all[0] }));
    // Nothing is left out on the way, and nothing is there twice.
    const seen = (await rows.allTextContents()).flatMap((one) => /counted-\d{3}/.exec(one)?.[0] ?? []);
    assert.deepEqual([...new Set(seen)], all);
    await page.getByRole('button', { name: 'Earlier lines' }).waitFor({ state: 'detached' });
});

spec('the trace is filtered by what fired, by instance, and paused', { at: '#/trace' }, async ({ page, open, host }) => {
    const other = await open('#/trace');
    const events = page.locator('.events > li');
    const holding = (text) => page.locator('.events > li', { hasText: text });
    const triggers = () => page.locator('.events .trigger').evaluateAll((all) => all.map((one) => one.title));
    await host.say('press', 'ALARM 31 level 2 belt worn');
    await host.say('press', 'nothing that matters');
    await holding('ALARM 31').first().waitFor();
    await holding('nothing that matters').first().waitFor();
    await holding('refused the connection').first().waitFor(); // of crane
    await page.getByLabel('Which events').selectOption('fired');
    await holding('nothing that matters').first().waitFor({ state: 'detached' });
    await holding('ALARM 31').first().waitFor();
    assert.equal(await page.locator('.events > li.no').count(), 0);
    await page.getByLabel('Which events').selectOption('not');
    await holding('ALARM 31').first().waitFor({ state: 'detached' });
    await holding('nothing that matters').first().waitFor();
    assert.equal(await page.locator('.events > li.no').count(), await events.count());
    await page.getByLabel('Which events').selectOption('all');

    await page.getByLabel('Of which instance').selectOption('press');
    await holding('refused the connection').first().waitFor({ state: 'detached' });
    await holding('ALARM 31').first().waitFor();
    assert.deepEqual([...new Set((await triggers()).map((one) => one.split('/')[0]))], ['press']);
    await page.getByLabel('Of which instance').selectOption('crane');
    await holding('refused the connection').first().waitFor();
    assert.deepEqual([...new Set((await triggers()).map((one) => one.split('/')[0]))], ['crane']);
    await page.getByLabel('Of which instance').selectOption('');
    await holding('ALARM 31').first().waitFor();

    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'Go on' }).waitFor();
    await sayUnseen(host, 'press', '.events > li', page, other);
    await page.getByRole('button', { name: 'Go on' }).click();
    await holding('said while paused, two').first().waitFor();
});

spec('earlier events of the trace come when they are asked for', { at: '' }, async ({ page, host }) => {
    await page.getByRole('link', { name: /^press.*Ready/ }).waitFor();
    const all = Array.from({ length: 230 }, (_, i) => `counted-${String(i + 1).padStart(3, '0')}`);
    for (const one of all) await host.say('press', one);
    await page.goto(`${host.url}/#/trace`);
    const rows = listed(page, '.events > li');
    await rows.filter({ hasText: all.at(-1) }).first().waitFor();
    assert.equal(await rows.filter({ hasText: all[0] }).count(), 0);
    await backTo(page, 'Earlier', rows, rows.filter({ hasText: all[0] }));
    const seen = (await rows.allTextContents()).flatMap((one) => /counted-\d{3}/.exec(one)?.[0] ?? []);
    assert.deepEqual(seen, all.toReversed());
});

spec('frames are shown by direction, without pings, and held', { at: '#/io/roof/frames' }, async ({ page, open, host }) => {
    const other = await open('#/io/roof/frames');
    await word(page).filter({ hasText: 'Ready' }).waitFor();
    const act = async (action, args) => assert.ok((await page.request.post(`${host.url}/api/instances/roof/actions/${action}?wait=10`, { data: { arguments: args } })).ok());
    const frames = page.locator('.frames li');
    const only = async (kind) => page.waitForFunction((wanted) => { const all = [...document.querySelectorAll('.frames li')]; return all.length > 0 && all.every((one) => one.matches(wanted)); }, kind);
    const there = (kind) => page.locator(`.frames li${kind}`).first().waitFor();
    await host.say('roof', 'inward');
    await act('send-message', { message: 'outward' });
    await act('ping', {});
    for (const kind of ['.in.text', '.out.text', '.out.ping', '.in.pong']) await there(kind);

    await page.getByLabel('Direction').selectOption('in');
    await only('.in');
    await frames.filter({ hasText: 'inward' }).waitFor();
    await page.getByLabel('Direction').selectOption('out');
    await only('.out');
    await frames.filter({ hasText: 'outward' }).first().waitFor();
    await page.getByLabel('Direction').selectOption('');
    await there('.in');

    await page.getByLabel('Pings').uncheck();
    await only(':not(.ping, .pong)');
    await frames.filter({ hasText: 'inward' }).waitFor();
    await frames.filter({ hasText: 'outward' }).first().waitFor();
    await page.getByLabel('Pings').check();
    for (const kind of ['.out.ping', '.in.pong']) await there(kind);

    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'Go on' }).waitFor();
    await sayUnseen(host, 'roof', '.frames li', page, other);
    await page.getByRole('button', { name: 'Go on' }).click();
    await frames.filter({ hasText: 'said while paused, two' }).waitFor();
});

spec('Log Comms is turned on and off where the frames are', { at: '#/io/press/frames' }, async ({ page, host }) => {
    await word(page).filter({ hasText: 'Ready' }).waitFor();
    const set = async () => (await (await page.request.get(`${host.url}/api/instances/press`)).json()).settings['log-comms'];
    const off = page.getByText('Log Comms is off, so no frames are recorded.');
    await off.waitFor();
    assert.equal((await set()) ?? 'false', 'false');
    await page.getByRole('button', { name: 'Turn Log Comms on' }).click();
    await off.waitFor({ state: 'detached' });
    assert.equal(await set(), 'true');
    await host.say('press', 'to be recorded');
    await page.locator('.frames li', { hasText: 'to be recorded' }).waitFor();
    await page.getByRole('button', { name: 'Turn off', exact: true }).click();
    await off.waitFor();
    assert.equal((await set()) ?? 'false', 'false');
});
