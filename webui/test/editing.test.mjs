// Editing: nothing typed is lost, nobody is blamed for what one did oneself, and the keyboard is never left alone.
import assert from 'node:assert/strict';
import { fits, phone, spec } from './support.mjs';

const save = (page) => page.getByRole('button', { name: 'Save', exact: true });
const add = (page) => page.getByRole('button', { name: 'Add', exact: true }).last();
const teller = (page) => page.locator('.teller');
const saved = (page) => teller(page).getByText('Saved.').waitFor();
const field = (page, name) => page.getByRole('textbox', { name, exact: true });
const unfold = (page, group) => page.locator('.group', { hasText: group }).locator('summary').first().click();
const json = async (page, path) => (await page.request.get(new URL(path, page.url()).href)).json();
const ruleOf = (page, name) => json(page, `/api/rules/${encodeURIComponent(name)}`);

/** What has the focus: its name, or its text. */
const focused = (page) =>
    page.evaluate(() => {
        const at = document.activeElement;
        return at === document.body ? 'BODY' : (at?.getAttribute('aria-label') ?? at?.labels?.[0]?.textContent ?? at?.textContent ?? '').trim();
    });
const focusIs = async (page, wanted) => {
    const source = String(wanted instanceof RegExp ? wanted.source : `^${wanted}$`);
    try {
        await page.waitForFunction((source) => {
            const at = document.activeElement;
            return at !== document.body && new RegExp(source).test((at?.getAttribute('aria-label') ?? at?.labels?.[0]?.textContent ?? at?.textContent ?? '').trim());
        }, source);
    } catch {
        assert.fail(`the focus is not at ${source} but at ${await focused(page)}`);
    }
};

/** Holds back what asks for such an edit, until it is let go; counts how often it was asked for. */
async function hold(page, path, method = 'PUT') {
    const held = { count: 0, go: () => {}, asked: null };
    const free = new Promise((go) => (held.go = go));
    held.asked = new Promise((asked) => {
        held.route = page.route(
            (url) => url.pathname === path && !url.search.includes('check'),
            async (route) => {
                if (route.request().method() !== method) return route.continue();
                ++held.count;
                asked();
                await free;
                await route.continue();
            },
        );
    });
    await held.route;
    return held;
}

/** Whether that was ever to be read, from now on. */
async function watch(page, text) {
    await page.evaluate((text) => {
        window.seen = document.body.innerText.includes(text);
        new MutationObserver(() => (window.seen ||= document.body.innerText.includes(text))).observe(document.body, { childList: true, subtree: true, characterData: true });
    }, text);
    return () => page.evaluate(() => window.seen);
}

/** In view, and not under something else. */
const inView = (locator) =>
    locator.evaluate((one) => {
        const { left, top, right, bottom } = one.getBoundingClientRect();
        const there = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
        return one === there || one.contains(there);
    });

spec('what is typed while a save is under way stays, and is saved next', { at: '#/io/press/settings' }, async ({ page }) => {
    await unfold(page, 'Keep alive');
    const ping = field(page, 'Ping interval');
    const blamed = await watch(page, 'Somebody else');
    await ping.fill('4');
    const held = await hold(page, '/api/instances/press');
    await save(page).click();
    await held.asked;
    await ping.fill('45');
    held.go();
    await saved(page);
    assert.equal(await ping.inputValue(), '45');
    assert.equal((await json(page, '/api/instances/press')).settings['ping-interval'], '4');
    await page.locator('.savebar').getByText('1 change').waitFor();
    await page.getByRole('button', { name: 'Dismiss' }).click();
    await save(page).click();
    await saved(page);
    await page.locator('.savebar').waitFor({ state: 'detached' });
    assert.equal((await json(page, '/api/instances/press')).settings['ping-interval'], '45');
    assert.equal(await ping.inputValue(), '45');
    assert.equal(await blamed(), false);
});

spec('a secret typed and saved is not sent again with what is typed after it, and is kept by no browser', { at: '#/io/press/settings' }, async ({ page }) => {
    // Whatever was ever put there, be it for a moment only.
    await page.evaluate(() => {
        window.kept = [];
        const set = Storage.prototype.setItem;
        Storage.prototype.setItem = function (key, value) {
            window.kept.push(value);
            set.call(this, key, value);
        };
    });
    await unfold(page, 'Security');
    await page.getByLabel('Bearer token', { exact: true }).fill('tok-typed-once');
    const held = await hold(page, '/api/instances/press');
    await save(page).click();
    await held.asked;
    await field(page, 'Path').fill('/after');
    held.go();
    await saved(page);
    await page.locator('[data-field=bearer-token] .set').waitFor();
    const kept = await page.evaluate(() => window.kept);
    assert.ok(kept.some((one) => one.includes('/after')));
    assert.equal(kept.some((one) => one.includes('tok-typed-once')), false);
    const [request] = await Promise.all([page.waitForRequest((one) => one.method() === 'PUT' && !one.url().includes('check')), save(page).click()]);
    assert.deepEqual(request.postDataJSON().settings['bearer-token'], { set: true });
    await page.locator('.savebar').waitFor({ state: 'detached' });
    assert.equal((await json(page, '/api/instances/press')).settings.path, '/after');
});

spec('a rule that somebody switches off while it is edited stays off; the note says what differs', { at: '#/rules/Report' }, async ({ page, open }) => {
    await field(page, 'Name').fill('Report often');
    const other = await open('#/rules/Report');
    await other.getByRole('switch', { name: 'Report is on' }).click({ force: true });
    await teller(other).getByText('“Report” is off.').waitFor();
    await page.getByText('Somebody else has changed this rule meanwhile.').waitFor();
    assert.match(await page.getByRole('row', { name: /Switched/ }).innerText(), /off[\s\S]*unchanged/);
    await other.getByRole('switch', { name: 'No rule below' }).click({ force: true });
    await save(other).click();
    await saved(other);
    assert.match(await page.getByRole('row', { name: /Stops those below/ }).innerText(), /yes[\s\S]*unchanged/);
    assert.equal(await page.locator('.overtaken tbody tr').count(), 2);
    await page.getByRole('button', { name: 'Put my changes on top' }).click();
    await save(page).click();
    await saved(page);
    await page.getByRole('heading', { name: 'Report often', level: 1 }).waitFor();
    const rule = await ruleOf(page, 'Report often');
    assert.deepEqual([rule.enabled, rule.stop], [false, true]);
});

spec("a rule's switch has a route of its own: who saves the rule without it leaves it", { at: '#/rules' }, async ({ page, host }) => {
    const path = `${host.url}/api/rules/Night%20mode`;
    const { etag } = (await page.request.get(path)).headers();
    const { name, on, do: acts, enabled } = await ruleOf(page, 'Night mode');
    assert.equal(enabled, false);
    const put = await page.request.put(path, { data: { name, on, do: acts, stop: true }, headers: { 'If-Match': etag } });
    assert.equal(put.status(), 200);
    const after = await ruleOf(page, 'Night mode');
    assert.deepEqual([after.enabled, after.stop], [false, true]);
});

spec('one’s own clicks are nobody else’s: Log Comms and a rule’s switch with something unsaved', { at: '#/io/press/settings' }, async ({ page }) => {
    const blamed = await watch(page, 'Somebody else');
    await field(page, 'Path').fill('/mine');
    await page.getByRole('link', { name: 'Frames', exact: true }).click();
    await page.getByRole('button', { name: 'Turn Log Comms on' }).dblclick();
    await page.getByRole('button', { name: 'Turn off' }).waitFor();
    await page.getByRole('link', { name: /^Settings/ }).click();
    assert.equal(await field(page, 'Path').inputValue(), '/mine');
    await save(page).click();
    await saved(page);
    const { settings } = await json(page, '/api/instances/press');
    assert.deepEqual([settings.path, settings['log-comms']], ['/mine', 'true']);

    await page.evaluate(() => (location.hash = '#/rules/Report'));
    await field(page, 'Name').fill('Report often');
    await page.getByRole('switch', { name: 'Report is on' }).click({ force: true });
    await teller(page).getByText('“Report” is off.').waitFor();
    await page.getByText('This rule is off.').waitFor();
    assert.equal(await field(page, 'Name').inputValue(), 'Report often');
    await save(page).click();
    await page.getByRole('heading', { name: 'Report often', level: 1 }).waitFor();
    assert.equal((await ruleOf(page, 'Report often')).enabled, false);
    assert.equal(await blamed(), false);
});

spec('secrets that a changed address asks for again are counted before anybody saves, by their label', { at: '#/io/press/settings', expect: ['422', 'ERR_'] }, async ({ page }) => {
    await unfold(page, 'Security');
    await page.getByLabel('Bearer token', { exact: true }).fill('tok-5c20');
    await save(page).click();
    await page.locator('[data-field=bearer-token] .set').waitFor();
    await page.locator('.savebar').waitFor({ state: 'detached' });

    const bar = page.locator('.savebar');
    const link = bar.getByRole('button', { name: '1 secret is asked for again: Bearer token' });
    await field(page, 'Hostname').fill('localhost');
    await link.waitFor();
    assert.equal(await bar.getByText(/connection|bearer-token/).count(), 0);
    const held = await hold(page, '/api/instances/press');
    await save(page).click();
    await focusIs(page, 'Change Bearer token');
    await field(page, 'Hostname').focus();
    await link.click();
    await focusIs(page, 'Change Bearer token');
    assert.equal(held.count, 0, 'nothing is sent that is known to be refused');

    // Saved before the controller was asked: the same is said.
    await page.getByRole('button', { name: 'Revert' }).click();
    await page.route(/check=true/, (route) => route.abort());
    held.go();
    await field(page, 'Hostname').fill('localhost');
    await save(page).click();
    await link.waitFor();
    assert.equal(await bar.getByText(/connection|bearer-token/).count(), 0);
    await page.unroute(/check=true/);
    await page.getByRole('button', { name: 'Change Bearer token' }).click();
    await focusIs(page, 'Bearer token');
    await page.keyboard.type('tok-5c21');
    await page.getByText('Saving drops the connection and makes it anew.').waitFor();
    await save(page).click();
    await saved(page);
});

spec('who is overtaken chooses first: Save waits, and leads to the choice', { at: '#/io/press/settings' }, async ({ page, open, host }) => {
    const other = await open('#/io/press/settings');
    await unfold(page, 'Keep alive');
    await field(page, 'Ping interval').fill('12');
    await field(other, 'Port').fill(host.nowhere.port);
    await save(other).click();
    await saved(other);
    await page.getByText('Somebody else has changed press meanwhile.').waitFor();
    assert.equal(await save(page).isDisabled(), true);
    await field(page, 'Ping interval').scrollIntoViewIfNeeded();
    await page.getByRole('button', { name: 'Choose above: theirs, or yours on top' }).click();
    await focusIs(page, 'Take theirs');
    assert.equal(await inView(page.getByRole('button', { name: 'Take theirs' })), true);
    await page.getByRole('button', { name: 'Put my changes on top' }).click();
    await save(page).click();
    await saved(page);
    const { settings } = await json(page, '/api/instances/press');
    assert.deepEqual([settings['ping-interval'], settings.port], ['12', host.nowhere.port]);
});

spec('a match that becomes one of JSON keeps no text that nobody can see', { at: '#/rules/Tell%20dispatch%20of%20severe%20alarms', expect: ['422'] }, async ({ page }) => {
    await page.getByLabel('Match String, match, kind').selectOption('json');
    await page.getByLabel('Match String, match, place in the JSON').fill('/alarm/level');
    await save(page).click();
    await saved(page);
    assert.deepEqual((await ruleOf(page, 'Tell dispatch of severe alarms')).on[0].match, [{ kind: 'json', pointer: '/alarm/level', text: '' }]);
});

spec('the focus goes where something opens, and back when it closes: actions, test, secrets', { at: '#/io/press' }, async ({ page }) => {
    const send = page.getByRole('button', { name: 'Send Message …' });
    await send.click();
    await focusIs(page, 'Message');
    await page.getByRole('button', { name: 'Close', exact: true }).click();
    await focusIs(page, 'Send Message …');
    await send.click();
    await focusIs(page, 'Message');
    await page.keyboard.press('Escape');
    await page.locator('form.inset').waitFor({ state: 'detached' });
    await focusIs(page, 'Send Message …');

    const test = page.getByRole('button', { name: 'Test connection' });
    await test.click();
    await page.getByRole('button', { name: 'Close the test' }).click();
    await focusIs(page, 'Test connection');
    await test.click();
    await page.getByRole('region', { name: 'Test connection' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('region', { name: 'Test connection' }).waitFor({ state: 'detached' });
    await focusIs(page, 'Test connection');

    await page.evaluate(() => (location.hash = '#/io/roof/settings'));
    await page.getByRole('heading', { name: 'roof', level: 1 }).waitFor();
    if (await page.getByRole('button', { name: 'Change Bearer token' }).isHidden()) await unfold(page, 'Security');
    await page.getByRole('button', { name: 'Change Bearer token' }).click();
    await focusIs(page, 'Bearer token');
    await page.getByRole('button', { name: 'Keep Bearer token as it is' }).click();
    await focusIs(page, 'Change Bearer token');
});

spec('the focus goes to what was added, and on to the next when something is removed', { at: '#/rules', expect: ['422'] }, async ({ page }) => {
    await page.getByRole('link', { name: 'Add', exact: true }).click();
    await focusIs(page, 'Name');
    await page.getByRole('button', { name: 'Add a trigger' }).click();
    await focusIs(page, 'When, instance');
    await page.getByRole('button', { name: 'Or another trigger' }).click();
    await focusIs(page, 'When 2, instance');
    await page.getByRole('button', { name: /Only some: add a match: / }).first().click();
    await focusIs(page, /, match, kind$/);
    await page.getByRole('button', { name: /^Remove .*, match$/ }).click();
    await focusIs(page, /^Only some: add a match/);
    await page.getByRole('button', { name: 'Remove trigger 1' }).click();
    await focusIs(page, 'When, instance');
    await page.getByRole('button', { name: 'Remove trigger 1' }).click();
    await focusIs(page, 'Add a trigger');

    await page.evaluate(() => (location.hash = '#/io'));
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await page.getByRole('menuitem', { name: 'New WebSocket Client' }).click();
    await page.getByRole('heading', { name: 'New WebSocket Client', level: 1 }).waitFor();
    await focusIs(page, 'Name');

    await page.evaluate(() => (location.hash = '#/io/crane'));
    await page.getByRole('button', { name: 'More about crane' }).click();
    await page.getByRole('menuitem', { name: 'Remove …' }).click();
    const next = await page.evaluate(() => {
        const names = [...document.querySelectorAll('.entry .name')].map((one) => one.textContent);
        return names[names.indexOf('crane') + 1];
    });
    await page.getByRole('dialog').getByRole('button', { name: /^Remove/ }).click();
    await teller(page).getByText('crane was removed.').waitFor();
    await focusIs(page, new RegExp(`^${next}`));
});

spec('Enter saves what stands in a form', { at: '#/io/press/settings' }, async ({ page, host }) => {
    await field(page, 'Path').fill('/entered');
    await page.keyboard.press('Enter');
    await saved(page);
    assert.equal((await json(page, '/api/instances/press')).settings.path, '/entered');

    await page.evaluate(() => (location.hash = '#/io/+/websocket-client'));
    await page.getByRole('heading', { name: 'New WebSocket Client', level: 1 }).waitFor();
    await field(page, 'Hostname').fill(host.server.hostname);
    await field(page, 'Name').fill('entered');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'entered', level: 1 }).waitFor();

    await page.evaluate(() => (location.hash = '#/rules/Report'));
    // In the list of values it means the first of them, and saves nothing.
    await page.getByRole('button', { name: 'Insert a value into Message' }).click();
    await page.getByLabel('Find a value').fill('Date and time');
    await page.keyboard.press('Enter');
    assert.match(await page.getByRole('textbox', { name: 'Message' }).inputValue(), /\$\{now\}/);
    assert.equal(await save(page).isVisible(), true);
    await field(page, 'Name').fill('Report at last');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Report at last', level: 1 }).waitFor();
});

spec('who presses twice has it done once', { at: '#/io/press/settings' }, async ({ page }) => {
    await field(page, 'Path').fill('/twice');
    const instance = await hold(page, '/api/instances/press');
    await save(page).dblclick();
    await save(page).evaluate((one) => one.form.requestSubmit());
    await instance.asked;
    instance.go();
    await saved(page);
    assert.equal(instance.count, 1);

    await page.evaluate(() => (location.hash = '#/variables'));
    await add(page).click();
    await page.getByLabel('Name').fill('twice');
    const variable = await hold(page, '/api/variables/twice');
    await page.getByRole('dialog').getByRole('button', { name: 'Add' }).dblclick();
    await page.keyboard.press('Enter');
    await variable.asked;
    variable.go();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    assert.equal(variable.count, 1);

    await page.evaluate(() => (location.hash = '#/rules/+'));
    await field(page, 'Name').fill('Twice');
    await page.getByRole('button', { name: 'Add an action' }).click();
    await page.getByLabel('Then 1, instance').selectOption('host');
    await page.getByLabel('Then 1, action').selectOption('log');
    await page.getByRole('group', { name: 'Then' }).getByRole('textbox', { name: 'Message' }).fill('twice');
    await page.getByRole('button', { name: 'Add a trigger' }).click();
    const rule = await hold(page, '/api/rules', 'POST');
    await add(page).dblclick();
    await rule.asked;
    rule.go();
    await page.getByRole('heading', { name: 'Twice', level: 1 }).waitFor();
    assert.equal(rule.count, 1);
});

spec('a variable in use offers no removal; a name that is there is told before it is sent', { at: '#/variables' }, async ({ page }) => {
    await page.getByRole('button', { name: 'Remove strokes' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText(/It is used by .*Count strokes/).waitFor();
    assert.equal(await dialog.getByRole('button', { name: 'Remove' }).isDisabled(), true);
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'detached' });
    await focusIs(page, 'Remove strokes');
    await add(page).click();
    await page.getByLabel('Name').fill('strokes');
    await dialog.getByText('There is a variable strokes already.').waitFor();
    assert.equal(await dialog.getByRole('button', { name: 'Add' }).isDisabled(), true);
});

spec('while the channel is cut, what was never told is not waited for in silence', { at: '#/io/press', expect: ['WebSocket', '401', 'ERR_'] }, async ({ page, host }) => {
    await page.locator('.live').getByText('Live').waitFor();
    host.cut();
    await page.getByRole('alert').filter({ hasText: 'The connection to the controller is lost.' }).waitFor();
    const promise = page.getByText('This will be shown once the connection is back.');
    for (const [place, there] of [['#/rules', 'Rules'], ['#/io/crane', 'crane'], ['#/system', 'System']]) {
        await page.evaluate((place) => (location.hash = place), place);
        await promise.waitFor();
        assert.equal(await page.getByText('One moment').count(), 0);
        assert.equal(await page.getByRole('heading', { name: there, level: 1 }).count(), 0);
    }
    host.mend();
    await page.getByRole('heading', { name: 'System', level: 1 }).waitFor();
    await promise.waitFor({ state: 'detached' });
});

spec('a dialog with something typed is not closed by a slip, and Escape asks', { at: '#/io' }, async ({ page }) => {
    const dialog = (name) => page.getByRole('dialog', { name });
    const paste = async () => {
        await page.getByRole('button', { name: 'Add', exact: true }).click();
        await page.getByRole('menuitem', { name: 'Paste an instance …' }).click();
        await dialog('Paste an instance').waitFor();
    };
    await paste();
    await page.mouse.click(5, 5);
    await dialog('Paste an instance').waitFor({ state: 'detached' });

    await paste();
    const box = page.getByRole('textbox', { name: 'Instance as text' });
    await box.fill('<instance name="typed"/>');
    await page.mouse.click(5, 5);
    for (let i = 0; i < 3; ++i) {
        await box.focus();
        await page.keyboard.press('Escape');
        await dialog('Throw it away?').waitFor();
        await page.keyboard.press('Escape');
        await dialog('Throw it away?').waitFor({ state: 'detached' });
        assert.equal(await box.inputValue(), '<instance name="typed"/>');
    }
    await page.keyboard.press('Escape');
    await dialog('Throw it away?').getByRole('button', { name: 'Throw away' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await focusIs(page, 'Add');

    await page.evaluate(() => (location.hash = '#/system'));
    await page.getByLabel('Project file').setInputFiles({ name: 'line.xml', mimeType: 'application/xml', buffer: Buffer.from('<project name="x"></project>') });
    await dialog('Replace the project').getByText('It can be used').waitFor();
    await page.mouse.click(5, 5);
    await page.keyboard.press('Escape');
    await dialog('Throw it away?').getByRole('button', { name: 'Cancel' }).click();
    assert.equal(await dialog('Replace the project').isVisible(), true);
});

spec('forty rows are pasted on a phone: the wrong one is found, mended, and all are added', { at: '#/io', context: phone }, async ({ page, host }) => {
    await page.getByRole('button', { name: 'Add', exact: true }).tap();
    await page.getByRole('menuitem', { name: 'Paste a table …' }).tap();
    const rows = Array.from({ length: 40 }, (_, i) => `gate-${i + 1}\t127.0.0.1\t${i === 32 ? 'http' : host.server.port}\t/echo`);
    const text = ['Name\tHostname\tPort\tPath', ...rows].join('\n');
    const box = page.getByRole('textbox', { name: 'The table' });
    await box.fill(text);
    const jump = page.getByRole('button', { name: '1 mistake to mend first. It is in row 33.' });
    await jump.waitFor();
    const wrong = page.locator('.preview p.error', { hasText: 'port takes a whole number' });
    assert.equal(await inView(wrong), false);
    await jump.tap();
    await page.waitForFunction(() => document.activeElement?.matches('.preview p.error'));
    assert.equal(await inView(wrong), true);
    await fits(page);
    await page.getByLabel('Only rows with a mistake: 1 of 40').check();
    assert.deepEqual(await page.locator('.preview tbody tr td:first-child').allInnerTexts(), ['33']);
    await page.touchscreen.tap(3, 3);
    assert.equal(await box.inputValue(), text);
    await box.fill(text.replace('http', host.server.port));
    await page.getByText('40 rows, all good.').waitFor();
    await page.getByRole('button', { name: 'Add 40' }).tap();
    await teller(page).getByText('40 instances were added.').waitFor();
    await page.waitForFunction(() => [...document.querySelectorAll('.entry .name')].filter((one) => one.textContent.startsWith('gate-')).length === 40);
});
