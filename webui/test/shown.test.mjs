// What the page shows of the controller is what the controller says: plots, times, countdowns, help, facts.
import assert from 'node:assert/strict';
import { spec } from './support.mjs';

const teller = (page) => page.locator('.teller');
const answer = async (page, host, path) => (await page.request.get(`${host.url}/api/${path}`)).json();

/** Asks until it holds; the page and the host are asked anew each time. */
async function eventually(what, holds) {
    const patience = Number(process.env.IOM_PATIENCE ?? 60_000);
    for (const end = Date.now() + patience; Date.now() < end; await new Promise((go) => setTimeout(go, 50))) {
        const found = await holds();
        if (found) return found;
    }
    return assert.fail(`${what}: did not come in ${patience} ms`);
}

/** That text is this number, as far as it was written out. */
const writes = (text, value) => value !== null && Math.abs(value - Number(text)) <= 0.5 * 10 ** -(text.split('.')[1]?.length ?? 0);

spec('plots and the ribbon show what the history has', { host: { alarms: true }, at: '' }, async ({ page, host }) => {
    const told = [];
    page.on('response', (response) => response.url().endsWith('/history') && told.push(response.json()));
    await page.getByRole('link', { name: /^press/ }).click();
    await page.locator('.now .word').filter({ hasText: 'Ready' }).waitFor();
    await host.say('press', 'something to count');
    const plot = (title) => page.locator('figure.plot', { has: page.getByRole('heading', { name: title, exact: true }) });
    for (const [title, label, members] of [
        ['Round trip', /round trip ([\d.]+) ms/, ['roundTrip']],
        ['Messages', /received ([\d.]+) \/s.*sent ([\d.]+) \/s/, ['received', 'sent']],
    ]) {
        const drawn = plot(title);
        await eventually(`${title} with a number of the history`, async () => {
            if ((await drawn.count()) !== 1) return false;
            const numbers = label.exec(await drawn.getByRole('img').getAttribute('aria-label'))?.slice(1);
            const histories = await Promise.all(told);
            return numbers && histories.some((one) => numbers.every((number, i) => one[members[i]].some((value) => writes(number, value))));
        });
        // A line, and not a point at nothing: as many lines as there are series.
        const lines = await drawn.locator('svg path.line').evaluateAll((all) => all.map((one) => one.getAttribute('d')));
        assert.equal(lines.length, members.length, title);
        for (const one of lines) assert.match(one, /^M[\d.]+ [\d.]+/, title);
        const widths = await drawn.locator('svg').evaluate((one) => [one.clientWidth, one.parentElement.clientWidth]);
        assert.ok(widths[0] > 100 && widths[0] <= widths[1], `${title}: ${widths}`);
    }
    const ribbon = page.locator('figure.ribbon');
    assert.match(await ribbon.getByRole('img').getAttribute('aria-label'), /Well for [\d.]+ % of the time seen/);
    const { states } = (await Promise.all(told)).at(-1);
    assert.ok(states.some((one) => one.state === 'ready'));
    await eventually('a band for every state', async () => (await ribbon.locator('rect.band').count()) >= states.length);
    assert.ok((await ribbon.locator('rect.band.good').count()) > 0);
    // With the keyboard the numbers of the past are read.
    const canvas = plot('Round trip').getByRole('img');
    await canvas.focus();
    await page.keyboard.press('ArrowLeft');
    await plot('Round trip').locator('.legend').getByText(/\d\d:\d\d:\d\d/).waitFor();
});

spec('each status has the time of its change, and the head says since when', { at: '#/io/press' }, async ({ page, host }) => {
    await page.locator('.now .word').filter({ hasText: 'Ready' }).waitFor();
    await host.say('press', 'something that was received');
    const module = (await answer(page, host, 'modules')).find((one) => one.id === 'websocket-client');
    for (const id of ['remote-address', 'messages-received', 'attempt']) {
        const { label } = module.statuses.find((one) => one.id === id);
        await eventually(`the time of ${id}`, async () => {
            const { at } = (await answer(page, host, 'instances/press')).statuses[id];
            const row = page.locator('.statuses > div', { has: page.locator('dt', { hasText: new RegExp(`^${label}$`) }) });
            const time = row.locator('.at time');
            return at !== null && (await time.count()) === 1 && (await time.getAttribute('datetime')) === new Date(at).toISOString() && /^\d\d:\d\d:\d\d$/.test(await time.innerText());
        });
    }
    const { since } = (await answer(page, host, 'instances/press')).summary;
    const told = page.locator('.now .since');
    await eventually('since when it is ready', async () => {
        const clock = await page.evaluate((at) => new Date(at).toTimeString().slice(0, 8), since);
        return (await told.innerText()).startsWith(`since ${clock}, `) && (await told.locator('time').getAttribute('datetime')) === new Date(since).toISOString();
    });
});

spec('the countdown to the next attempt counts', { at: '#/io/crane' }, async ({ page }) => {
    await page.locator('.retry b').first().waitFor();
    // Of one and the same attempt, which is told by how long it waits in all, less is left each time.
    await page.waitForFunction(() => {
        window.counted ??= new Map();
        const left = document.querySelector('.retry b')?.textContent;
        const whole = document.querySelector('.retry meter')?.max;
        if (left === undefined || whole === undefined) return false;
        const seen = window.counted.get(whole) ?? new Set();
        window.counted.set(whole, seen.add(left));
        return seen.size >= 2;
    });
});

spec('under each field stand its help, its range and its default, behind it its unit', { at: '#/io/meter/settings' }, async ({ page, host }) => {
    const module = (await answer(page, host, 'modules')).find((one) => one.id === 'modbus-meter');
    await page.locator('[data-field=address]').waitFor();
    const folds = page.locator('.fold:not([open]) > summary');
    for (let left = await folds.count(); left > 0; --left) {
        await folds.first().click();
        await page.waitForFunction((most) => document.querySelectorAll('.fold:not([open])').length < most, left);
    }
    const fields = module.groups.flatMap((one) => one.settings);
    assert.ok(fields.length >= 6);
    for (const one of fields) {
        const row = page.locator(`[data-field=${one.id}]`);
        const help = (await row.locator('p.help').last().innerText()).replace(/\s+/g, ' ');
        assert.ok(help.startsWith(one.help), `${one.id}: ${help}`);
        const unit = one.unit ? ` ${one.unit}` : '';
        if (['int', 'real'].includes(one.type)) assert.ok(help.includes(`${one.min} to ${one.max}${unit}`), `${one.id}: ${help}`);
        if (one.default) assert.ok(help.includes(`default ${one.choices?.find((each) => each.value === one.default).label ?? one.default}${unit}`), `${one.id}: ${help}`);
        if (one.required) assert.ok(help.includes('required'), `${one.id}: ${help}`);
        if (one.unit) assert.equal(await row.locator('.unit').innerText(), one.unit);
    }
    assert.ok(fields.some((one) => one.unit));
    assert.match(await page.locator('[data-field=model] .control + p.help').innerText(), /Three phases, integer registers/);
});

spec('Copy as text puts into the clipboard what the host tells', { at: '#/io/press', context: { permissions: ['clipboard-read', 'clipboard-write'] } }, async ({ page, host }) => {
    await page.getByRole('button', { name: 'More about press' }).click();
    await page.getByRole('menuitem', { name: 'Copy as text' }).click();
    await teller(page).getByText('press as text is in the clipboard.').waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.match(copied, /<instance name="press"/);
    assert.equal(copied, await (await page.request.get(`${host.url}/api/instances/press/text`)).text());
});

spec('System tells version, uptime, memory and threads', { at: '#/system' }, async ({ page, host }) => {
    const facts = page.getByRole('region', { name: 'Controller' });
    const fact = (label) => facts.locator('dl > div', { has: page.locator('dt', { hasText: new RegExp(`^${label}$`) }) }).locator('dd').innerText();
    await facts.waitFor();
    const { version, started } = await answer(page, host, 'system');
    assert.equal((await fact('Version')).split(' ')[0], version);
    await eventually('the threads', async () => (await fact('Threads')) === String((await answer(page, host, 'system')).threads));
    const [, resident, unit, peak] = /^([\d.]+) (KB|MB), at most ([\d.]+) (?:KB|MB)$/.exec(await fact('Memory')) ?? assert.fail(await fact('Memory'));
    const bytes = Number(resident) * (unit === 'MB' ? 1048576 : 1024);
    const { memory } = await answer(page, host, 'system');
    assert.ok(bytes > memory.resident / 4 && bytes < memory.resident * 4 && Number(peak) > 0, `${bytes}, ${JSON.stringify(memory)}`);
    const seconds = async () => {
        const text = await fact('Running for');
        const [, number, of] = /^(\d+) (s|min)/.exec(text) ?? assert.fail(text);
        return Number(number) * (of === 'min' ? 60 : 1);
    };
    const first = await seconds();
    assert.ok(Math.abs((Date.now() - started) / 1000 - first) < 60, `${first} s`);
    await eventually('the uptime goes on', async () => (await seconds()) > first);
});

spec('the theme is chosen, kept, and given back to the device', { at: '#/system', context: { colorScheme: 'light' } }, async ({ page }) => {
    const [light, dark] = ['rgb(244, 246, 247)', 'rgb(15, 19, 23)'];
    const painted = (colour) => page.waitForFunction((wanted) => getComputedStyle(document.body).backgroundColor === wanted, colour);
    const choose = (name) => page.getByRole('radiogroup', { name: 'Appearance' }).getByRole('radio', { name, exact: true }).check();
    await choose('Dark');
    await painted(dark);
    await page.reload();
    await painted(dark);
    assert.equal(await page.getByRole('radio', { name: 'Dark' }).isChecked(), true);
    await page.emulateMedia({ colorScheme: 'dark' });
    await choose('Light');
    await painted(light);
    await choose('As the device');
    await painted(dark);
    await page.emulateMedia({ colorScheme: 'light' });
    await painted(light);
});
