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
