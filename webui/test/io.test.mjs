// IO Modules: from nothing to Ready, losing the server, secrets, tables, two people at once.
import assert from 'node:assert/strict';
import { spec } from './support.mjs';

const word = (page) => page.locator('.now .word');
const save = (page) => page.getByRole('button', { name: 'Save', exact: true });
const teller = (page) => page.locator('.teller');

spec('an instance is configured from nothing to Ready', { host: { project: 'plain' }, at: '' }, async ({ page, host }) => {
    await page.getByRole('link', { name: 'New WebSocket Client' }).click();
    await page.getByLabel('Name', { exact: true }).fill('press');
    const hostname = page.getByRole('textbox', { name: 'Hostname' });
    await hostname.fill(`ws://${host.server.hostname}:${host.server.port}/machine`);
    await page.locator('.sentence', { hasText: "Hostname takes only the server's name or address" }).waitFor();
    assert.equal(await hostname.getAttribute('aria-invalid'), 'true');
    await hostname.fill(host.server.hostname);
    await page.locator('.sentence', { hasText: "Hostname takes only the server's name or address" }).waitFor({ state: 'detached' });
    await page.getByRole('textbox', { name: 'Port', exact: true }).fill('90000');
    await page.locator('.sentence', { hasText: 'port takes a whole number from 0 to 65535, not "90000".' }).waitFor();
    await page.getByRole('textbox', { name: 'Port', exact: true }).fill(host.server.port);
    await page.getByRole('textbox', { name: 'Path', exact: true }).fill(host.server.path);
    await page.locator('.sentence', { hasText: 'port takes a whole number' }).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Add', exact: true }).last().click();
    await page.getByRole('heading', { name: 'press', level: 1 }).waitFor();
    await word(page).filter({ hasText: 'Ready' }).waitFor();
    await page.getByText('The session stands and messages go both ways.').waitFor();

    await page.getByRole('button', { name: 'Send Message …' }).click();
    await page.getByRole('textbox', { name: 'Message' }).fill('hello there');
    await page.getByRole('button', { name: 'Send Message', exact: true }).click();
    await page.getByText(/Send Message done in \d/).waitFor();
    await page.locator('pre[aria-label="Last Received"]').filter({ hasText: 'hello there' }).waitFor();
});

spec('what is missing is said once somebody wants to save, and the form leads there', { host: { project: 'plain' }, at: '#/io/+/websocket-client', expect: ['422'] }, async ({ page }) => {
    await page.getByLabel('Name', { exact: true }).fill('press');
    assert.equal(await page.locator('.sentence', { hasText: 'the instance press has no hostname' }).count(), 0);
    await page.getByRole('button', { name: 'Add', exact: true }).last().click();
    await page.locator('.sentence', { hasText: 'the instance press has no hostname' }).waitFor();
    await page.getByRole('button', { name: /1 mistake/ }).click();
    assert.equal(await page.evaluate(() => document.activeElement?.closest('.field')?.getAttribute('data-field')), 'hostname');
});

spec('the server goes and comes back, and the page says so', { at: '#/io/press' }, async ({ page, host }) => {
    await word(page).filter({ hasText: 'Ready' }).waitFor();
    await host.server.stop();
    await word(page).filter({ hasText: 'Waiting' }).waitFor();
    await page.locator('.lasterror').filter({ hasText: /broke off|refused the connection/ }).waitFor();
    await page.getByText(/Next attempt in \d+ s/).waitFor();
    await host.server.start();
    await word(page).filter({ hasText: 'Ready' }).waitFor();
    assert.equal(await page.locator('.lasterror').count(), 0);
});

spec('Test connection tells layer by layer where it ends', { at: '#/io/crane' }, async ({ page }) => {
    await page.getByRole('button', { name: 'Test connection' }).click();
    const step = (name) => page.locator('.steps > li').filter({ hasText: new RegExp(`^${name}`) });
    await page.locator('.steps > li.failed').waitFor();
    const classes = await Promise.all(['Name', 'TCP', 'Upgrade', 'First pong'].map((name) => step(name).getAttribute('class')));
    assert.deepEqual(classes, ['passed', 'failed', 'skipped', 'skipped']);
    assert.match(await step('Name').innerText(), /Name[\s\S]*ms/);
    assert.match(await step('TCP').innerText(), /refused the connection: nothing listens there/);
    await page.getByRole('link', { name: 'press', exact: false }).first().click();
    await page.getByRole('button', { name: 'Test connection' }).click();
    await page.getByText('Everything works: the server answers.').waitFor();
});

spec('changes are marked, saved, reverted; advanced settings are folded', { at: '#/io/press/settings' }, async ({ page }) => {
    assert.equal(await page.getByRole('textbox', { name: 'Ping interval' }).count(), 0);
    await page.locator('.group', { hasText: 'Keep alive' }).locator('summary').click();
    const ping = page.getByRole('textbox', { name: 'Ping interval' });
    assert.equal(await ping.getAttribute('placeholder'), '20');
    await ping.fill('55');
    await page.getByText('with more than 50 s between pings').waitFor();
    await page.locator('.field.dirty').waitFor();
    await page.getByText('Applies without dropping the connection.').waitFor();
    await page.getByRole('button', { name: 'Revert' }).click();
    assert.equal(await page.locator('.field.dirty').count(), 0);
    assert.equal(await ping.inputValue(), '');
    await ping.fill('12');
    await save(page).click();
    await teller(page).getByText('Saved.').waitFor();
    await page.reload();
    await page.locator('.group', { hasText: 'Keep alive' }).locator('summary').click();
    assert.equal(await page.getByRole('textbox', { name: 'Ping interval' }).inputValue(), '12');
});

spec('a draft outlives a change of tab', { at: '#/io/press/settings' }, async ({ page }) => {
    await page.getByRole('textbox', { name: 'Path', exact: true }).fill('/other');
    await page.getByRole('link', { name: 'Log', exact: true }).click();
    await page.getByRole('heading', { name: 'Log', level: 1 }).waitFor();
    await page.getByRole('link', { name: /^IO Modules/ }).click();
    await page.getByRole('link', { name: /press.*unsaved/ }).click();
    await page.getByRole('link', { name: /^Settings/ }).click();
    assert.equal(await page.getByRole('textbox', { name: 'Path', exact: true }).inputValue(), '/other');
});

spec('a draft outlives a reload, but for the secrets in it', { at: '#/io/press/settings' }, async ({ page }) => {
    await page.getByRole('textbox', { name: 'Path', exact: true }).fill('/other');
    await page.locator('.group', { hasText: 'Security' }).locator('summary').click();
    await page.getByLabel('Bearer token', { exact: true }).fill('tok-5c20');
    await page.getByText('Applies without').or(page.getByText('Changed')).first().waitFor();
    assert.equal(await page.evaluate(() => JSON.stringify({ ...sessionStorage }).includes('tok-5c20')), false);
    await page.reload();
    await page.locator('.entry', { hasText: 'unsaved' }).waitFor();
    assert.equal(await page.getByRole('textbox', { name: 'Path', exact: true }).inputValue(), '/other');
    assert.equal((await page.content()).includes('tok-5c20'), false);
    await page.getByRole('button', { name: 'Revert' }).click();
    assert.equal(await page.evaluate(() => sessionStorage.getItem('iom-drafts')), '{}');
});

spec('a secret goes in and nowhere out', { at: '#/io/press/settings', expect: ['422'] }, async ({ page, host, context }) => {
    const secret = 'tok-7f31-kept';
    const everything = [];
    const bodies = [];
    // A body that the browser threw away when it went elsewhere cannot be read; those of the API stand below again.
    page.on('response', (response) => bodies.push(response.text().catch(() => '')));
    /** All that the page has in it, also what stands in its fields, which is no part of its HTML. */
    const shown = () => page.evaluate(() => [document.documentElement.outerHTML, ...[...document.querySelectorAll('input, textarea, select')].map((one) => one.value)].join('\n'));
    page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => everything.push(String(payload))));
    await page.reload();
    await page.locator('.group', { hasText: 'Security' }).locator('summary').click();
    await page.getByLabel('Bearer token', { exact: true }).fill(secret);
    await save(page).click();
    await teller(page).getByText('Saved.').waitFor();
    await page.locator('[data-field=bearer-token] .set').filter({ hasText: 'Set, and never shown' }).waitFor();
    assert.equal((await shown()).includes(secret), false);

    // Where the line leads changes: the secret is asked for again, and not sent there.
    await page.getByRole('textbox', { name: 'Hostname' }).fill('localhost');
    await page.getByText('Bearer token is asked for again').waitFor();
    await page.getByRole('button', { name: 'Change Bearer token' }).click();
    await page.getByLabel('Bearer token', { exact: true }).fill(`${secret}-2`);
    await page.getByText('Bearer token is asked for again').waitFor({ state: 'detached' });
    await save(page).click();
    await teller(page).getByText('Saved.').waitFor();

    for (const place of ['#/log', '#/system', '#/rules', '#/io/press']) {
        await page.goto(`${host.url}/${place}`);
        await page.getByRole('heading', { level: 1 }).first().waitFor();
        assert.equal((await shown()).includes(secret), false, place);
    }
    // A field that is drawn anew, from what the host tells.
    await page.goto(`${host.url}/#/io/press/settings`);
    await page.reload();
    await page.locator('[data-field=hostname]').waitFor();
    const security = page.locator('.group', { hasText: 'Security' });
    if ((await security.locator('.fold[open]').count()) === 0) await security.locator('summary').click();
    await page.locator('[data-field=bearer-token]').waitFor();
    assert.equal((await shown()).includes(secret), false);
    const request = context.request;
    for (const path of ['instances/press', 'instances/press/text', 'project', 'log/download', 'log', 'secrets', 'files', 'trace', 'frames']) everything.push(await (await request.get(`${host.url}/api/${path}`)).text());
    everything.push(await host.everything(), ...(await Promise.all(bodies)));
    assert.equal(everything.some((one) => one.includes(secret)), false);
    assert.match(everything.join(), /press-bearer-token/);
});

spec('a table is pasted, checked, and added all at once', { at: '#/io' }, async ({ page, host }) => {
    await page.getByRole('button', { name: 'Add' }).click();
    await page.getByRole('menuitem', { name: 'Paste a table …' }).click();
    const rows = Array.from({ length: 40 }, (_, i) => `gate-${i + 1}\t127.0.0.1\t${i === 6 ? 'http' : host.server.port}\t/echo`);
    const box = page.getByRole('textbox', { name: 'The table' });
    await box.fill(['Name\tHostname\tPort\tPath', ...rows].join('\n'));
    await page.getByText('port takes a whole number from 0 to 65535, not "http".').waitFor();
    await page.getByText('1 mistake to mend first.').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Add 40' }).isDisabled(), true);
    await box.fill(['Name\tHostname\tPort\tPath', ...rows].join('\n').replace('http', host.server.port));
    await page.getByText('40 rows, all good.').waitFor();
    await page.getByRole('button', { name: 'Add 40' }).click();
    await teller(page).getByText('40 instances were added.').waitFor();
    await page.getByLabel('Find an instance').fill('gate-');
    await page.waitForFunction(() => document.querySelectorAll('.entry').length === 40);
    await page.waitForFunction(() => [...document.querySelectorAll('.entry .state')].every((one) => one.textContent.startsWith('Ready')));
});

spec('an instance is renamed, and rules follow; duplicated; copied as text; removed', { at: '#/io/press' }, async ({ page, host, context }) => {
    await page.getByRole('button', { name: 'More about press' }).click();
    await page.getByRole('menuitem', { name: 'Rename …' }).click();
    await page.getByLabel('New name').fill('crane');
    await page.getByText('there is an instance "crane" already').waitFor();
    await page.getByLabel('New name').fill('press-1');
    await page.getByText(/3 rules follow/).waitFor();
    await page.getByRole('button', { name: 'Rename', exact: true }).click();
    await page.getByRole('heading', { name: 'press-1', level: 1 }).waitFor();
    const { rules } = await (await context.request.get(`${host.url}/api/rules`)).json();
    assert.equal(JSON.stringify(rules).includes('"press/'), false);
    assert.equal(JSON.stringify(rules).includes('"press-1/message-received"'), true);

    await page.getByRole('button', { name: 'More about press-1' }).click();
    await page.getByRole('menuitem', { name: 'Duplicate …' }).click();
    assert.equal(await page.getByLabel('Name of the copy').inputValue(), 'press-2');
    await page.getByRole('button', { name: 'Duplicate', exact: true }).click();
    await page.getByRole('heading', { name: 'press-2', level: 1 }).waitFor();

    await page.getByRole('button', { name: 'More about press-2' }).click();
    await page.getByRole('menuitem', { name: 'Remove …' }).click();
    await page.getByRole('button', { name: 'Remove', exact: true }).click();
    await teller(page).getByText('press-2 was removed.').waitFor();
    await page.waitForFunction(() => ![...document.querySelectorAll('.entry .name')].some((one) => one.textContent === 'press-2'));

    const text = await (await context.request.get(`${host.url}/api/instances/press-1/text`)).text();
    await page.getByRole('button', { name: 'Add' }).click();
    await page.getByRole('menuitem', { name: 'Paste an instance …' }).click();
    await page.getByRole('textbox', { name: 'Instance as text' }).fill(text);
    await page.getByText('there is an instance "press-1" already').waitFor();
    await page.getByLabel('Name', { exact: true }).fill('pasted');
    const add = page.getByRole('dialog').getByRole('button', { name: 'Add', exact: true });
    await page.waitForFunction(() => !document.querySelector('dialog footer .main').disabled);
    await add.click();
    await page.getByRole('heading', { name: 'pasted', level: 1 }).waitFor();
});

spec('two people at once: the second is told, and nothing is overwritten unseen', { at: '#/io/press/settings' }, async ({ page, open, host }) => {
    const other = await open('#/io/press/settings');
    await page.getByRole('textbox', { name: 'Path', exact: true }).fill('/mine');
    await other.getByRole('textbox', { name: 'Port', exact: true }).fill(host.nowhere.port);
    await save(other).click();
    await teller(other).getByText('Saved.').waitFor();
    await page.getByText('Somebody else has changed press meanwhile. Nothing of yours is saved yet.').waitFor();
    const row = page.getByRole('row', { name: /Port/ });
    assert.match(await row.innerText(), new RegExp(`${host.nowhere.port}[\\s\\S]*unchanged`));
    await page.getByRole('button', { name: 'Put my changes on top' }).click();
    assert.equal(await page.getByRole('textbox', { name: 'Port', exact: true }).inputValue(), host.nowhere.port);
    assert.equal(await page.getByRole('textbox', { name: 'Path', exact: true }).inputValue(), '/mine');
    await save(page).click();
    await teller(page).getByText('Saved.').waitFor();
});

spec('frames: filter, pause, hex, export as JSON lines', { at: '#/io/roof/frames' }, async ({ page, open, host }) => {
    // Another page is not paused: what it shows has come to this one too.
    const other = await open('#/io/roof/frames');
    await word(page).filter({ hasText: 'Ready' }).waitFor();
    host.say('roof', '{"type":"weather","wind":3}');
    host.say('roof', 'plain');
    const line = page.locator('.frames .line', { hasText: 'weather' });
    await line.waitFor();
    await page.getByLabel('Payload as').selectOption('hex');
    await page.locator('.frames .line', { hasText: '70 6c 61 69 6e' }).waitFor();
    await page.getByLabel('Payload as').selectOption('json');
    await page.getByLabel('Search in payloads').fill('weather');
    await page.locator('.frames .line', { hasText: 'plain' }).waitFor({ state: 'detached' });
    await line.click();
    assert.match(await page.locator('.frames li > pre').innerText(), /"type": "weather",\n/);
    await page.getByRole('button', { name: 'Pause' }).click();
    await host.say('roof', '{"type":"weather","wind":4}');
    await other.locator('.frames .line', { hasText: '"wind":4' }).waitFor();
    const [saved] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Export' }).click()]);
    const { readFileSync } = await import('node:fs');
    const lines = readFileSync(await saved.path(), 'utf8').trim().split('\n').map((one) => JSON.parse(one));
    assert.deepEqual(lines.map((one) => one.payload), ['{"type":"weather","wind":3}']);
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.locator('.frames .line', { hasText: '"wind":4' }).waitFor();
});

spec('frames faster than anybody reads: the page stays where it can be used', { at: '#/io/press/frames' }, async ({ page, host }) => {
    await word(page).filter({ hasText: 'Ready' }).waitFor();
    const end = await host.flood('press');
    await page.locator('.frames .line').nth(150).waitFor();
    // However often frames come, they are drawn together: in ten turns of it, far more frames than turns.
    await page.evaluate(() => {
        const list = document.querySelector('.frames ol');
        const work = (window.work = { drawn: 0, fresh: 0 });
        new MutationObserver((changes) => {
            ++work.drawn;
            work.fresh += changes.flatMap((one) => [...one.addedNodes]).length;
            work.rows = list.children.length;
        }).observe(list, { childList: true });
    });
    const work = await (await page.waitForFunction(() => window.work.drawn >= 10 && window.work)).jsonValue();
    assert.ok(work.fresh >= 10 * work.drawn, `${work.fresh} frames in ${work.drawn} turns`);
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'Go on' }).waitFor();
    const last = () => page.locator('.frames li').last().innerText();
    const seen = await last();
    await page.getByLabel('Payload as').selectOption('hex');
    await page.getByLabel('Payload as').selectOption('text');
    assert.equal(await last(), seen);
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.waitForFunction((before) => [...document.querySelectorAll('.frames li')].at(-1)?.innerText !== before, seen);
    await end();
});

spec('paused, what is held is searched, in frames and log', { at: '#/io/roof/frames' }, async ({ page, open, host }) => {
    await word(page).filter({ hasText: 'Ready' }).waitFor();
    await host.say('roof', 'first wind');
    await host.say('roof', 'second storm');
    // Another page is not paused: what it shows would have come to this one too.
    const other = await open();
    for (const [place, row, search] of [['#/io/roof/frames', '.frames li', 'Search in payloads'], ['#/log', '.logline', 'Search in the log']]) {
        for (const one of [page, other]) {
            await one.goto(`${host.url}/${place}`);
            if (place === '#/log') await one.getByLabel('Level').selectOption('frame');
            await one.locator(row, { hasText: 'second storm' }).first().waitFor();
        }
        const rows = (text) => page.locator(row, { hasText: text });
        await page.getByRole('button', { name: 'Pause' }).click();
        await page.getByLabel(search).fill('Wind');
        await rows('second storm').first().waitFor({ state: 'detached' });
        await rows('first wind').first().waitFor();
        for (const text of [`wind while paused, one, ${row}`, `wind while paused, two, ${row}`]) {
            await host.say('roof', text);
            await other.locator(row, { hasText: text }).first().waitFor();
        }
        assert.equal(await rows(`while paused, one, ${row}`).count(), 0);
        assert.equal(await rows(`while paused, two, ${row}`).count(), 0);
        await page.getByLabel(search).fill('zzzz');
        await page.waitForFunction((of) => document.querySelectorAll(of).length === 0, row);
        await page.getByLabel(search).fill('');
        await rows('second storm').first().waitFor();
    }
});

spec("a stranger's module is drawn from its manifest alone", { at: '#/io/meter/settings' }, async ({ page }) => {
    await word(page).filter({ hasText: 'Good' }).waitFor();
    await page.getByText('The meter answers every time.').waitFor();
    await page.getByRole('textbox', { name: 'Poll interval' }).fill('0.1');
    await page.locator('.sentence', { hasText: 'interval takes a number from 0.2 to 3600 s, not "0.1".' }).waitFor();
    assert.equal(await page.getByRole('combobox', { name: 'Model' }).inputValue(), 'em24');
    await page.getByRole('button', { name: 'Reset counter …' }).click();
    await page.getByRole('button', { name: 'Reset counter', exact: true }).click();
    await page.getByText('Nothing was reset: I am sure is not set.').waitFor();
});
