// What holds for the whole page: the channel cut, phone, dark, axe, log-in, log. Its size: tools/size.mjs; how
// soon it is there: tools/first-paint.mjs; the keyboard: keyboard.test.mjs.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fits, phone, spec } from './support.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const places = ['#/io', '#/io/press', '#/io/crane', '#/io/roof/settings', '#/io/roof/frames', '#/io/+/websocket-client', '#/io/meter/settings', '#/rules', '#/rules/Acknowledge%20alarms', '#/rules/+', '#/trace', '#/variables', '#/log', '#/system'];

const goTo = async (page, host, place) => {
    await page.goto(`${host.url}/${place}`);
    await page.locator('h1:visible').first().waitFor();
    await page.waitForFunction(() => !document.querySelector('.loading'));
};

/** axe's findings, each as one line. The page's own policy forbids scripts from elsewhere, so it is evaluated. */
async function violations(page) {
    await page.evaluate(axe);
    // What lies under the bar at the top has not gone: it was scrolled.
    await page.evaluate(() => window.scrollTo(0, 0));
    return page.evaluate(async () => {
        const found = await window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] });
        return found.violations.flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.html.slice(0, 140)} ${node.any.concat(node.all, node.none).map((each) => each.message).join('; ').slice(0, 240)}`));
    });
}

for (const [name, options] of [
    ['light', { colorScheme: 'light' }],
    ['dark', { colorScheme: 'dark' }],
    ['phone, light', { ...phone, colorScheme: 'light' }],
    ['phone, dark', { ...phone, colorScheme: 'dark' }],
])
    spec(`axe finds nothing, and nothing is wider than the screen: ${name}`, { context: options }, async ({ page, host }) => {
        const found = [];
        for (const place of places) {
            await goTo(page, host, place);
            const folds = page.locator('.fold:not([open]) > summary');
            for (let left = await folds.count(); left > 0; --left) {
                await folds.first().click();
                await page.waitForFunction((most) => document.querySelectorAll('.fold:not([open])').length < most, left);
            }
            found.push(...(await violations(page)).map((one) => `${place} ${one}`));
            await fits(page);
        }
        assert.deepEqual(found, []);
        assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), options.colorScheme === 'dark' ? 'rgb(15, 19, 23)' : 'rgb(244, 246, 247)');
    });

spec('axe finds nothing in dialogs, menus and popovers, also on a phone', { context: phone }, async ({ page, host }) => {
    const found = [];
    const look = async (what) => {
        found.push(...(await violations(page)).map((one) => `${what}: ${one}`));
        await fits(page);
    };
    await page.getByRole('button', { name: 'Add' }).click();
    await look('menu');
    await page.getByRole('menuitem', { name: 'Paste a table …' }).click();
    await page.getByRole('textbox', { name: 'The table' }).fill('name\thostname\tport\na\tb\tc\nd e\tf\t1');
    await page.getByText(/mistakes? to mend first/).waitFor();
    await look('table');
    await page.evaluate(() => (location.hash = '#/rules/Report'));
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await goTo(page, host, '#/rules/Report');
    await page.getByRole('button', { name: 'Insert a value into Message' }).click();
    await look('insert');
    await goTo(page, host, '#/io/crane');
    await page.getByRole('button', { name: 'Test connection' }).click();
    await page.locator('.steps > li.failed').waitFor();
    await look('test');
    await goTo(page, host, '#/trace');
    await page.locator('.events .line').first().click();
    await look('trace');
    assert.deepEqual(found, []);
});

spec('at 4K everything is there and nothing is stretched out of reach', { context: { viewport: { width: 3840, height: 2160 } } }, async ({ page, host }) => {
    for (const place of ['#/io/roof', '#/rules/Report', '#/system']) {
        await goTo(page, host, place);
        await fits(page);
        assert.ok((await page.locator('main > *').first().boundingBox()).width <= 2400);
    }
});

spec('the channel is cut: the page says so, keeps what was typed, and comes back by itself', { at: '#/io/press/settings', expect: ['WebSocket', '401', 'ERR_'] }, async ({ page, host }) => {
    await page.locator('.live').getByText('Live').waitFor();
    const loads = [];
    page.on('load', () => loads.push(1));
    await page.getByRole('textbox', { name: 'Path', exact: true }).fill('/typed');
    host.cut();
    await page.getByRole('alert').filter({ hasText: 'The connection to the controller is lost.' }).waitFor();
    await page.locator('.live').getByText('Cut').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Save', exact: true }).isDisabled(), true);
    host.mend();
    await page.locator('.live').getByText('Live').waitFor();
    assert.equal(await page.getByRole('alert').filter({ hasText: 'is lost' }).count(), 0);
    assert.equal(await page.getByRole('textbox', { name: 'Path', exact: true }).inputValue(), '/typed');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.locator('.teller').getByText('Saved.').waitFor();
    assert.deepEqual(loads, []);
});

spec('the host stops without a word: the page says so, asks for nothing in vain, and comes back by itself', { at: '#/io/press', expect: ['WebSocket', 'ERR_'] }, async ({ page, host }) => {
    await page.locator('.live').getByText('Live').waitFor();
    const loads = [];
    page.on('load', () => loads.push(1));
    host.freeze();
    try {
        await page.getByRole('alert').filter({ hasText: 'The controller does not answer.' }).waitFor();
        await page.locator('.live').getByText('Cut').waitFor();
    } finally {
        host.thaw();
    }
    await page.locator('.live').getByText('Live').waitFor();
    await page.locator('.now .word').filter({ hasText: 'Ready' }).waitFor();
    assert.equal(await page.getByRole('alert').filter({ hasText: 'does not answer' }).count(), 0);
    assert.deepEqual(loads, []);
});

spec('a log-in is asked for, refused, given, and ended', { host: { password: 'correct horse' }, at: '#/system', expect: ['401', '429'] }, async ({ page, context, host }) => {
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
    assert.deepEqual(await violations(page), []);
    await page.getByLabel('Password').fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByText('This is not the password.').waitFor();
    await page.getByLabel('Password').fill('correct horse');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'System' }).waitFor();
    const cookies = await context.cookies();
    assert.deepEqual(cookies.map((one) => [one.name, one.httpOnly, one.sameSite]), [['iom-session', true, 'Strict']]);
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
    assert.equal((await context.request.get(`${host.url}/api/system`)).status(), 401);
});

spec('the first password takes the code that the console prints', { host: { password: '' }, expect: ['403', '401'] }, async ({ page, host }) => {
    await page.getByRole('heading', { name: 'Set a password' }).waitFor();
    await page.getByLabel('One-time code').fill('0000-0000');
    await page.getByLabel('New password').fill('correct horse');
    await page.getByLabel('Once more').fill('correct hors');
    await page.getByText('The two differ.').waitFor();
    await page.getByLabel('Once more').fill('correct horse');
    await page.getByRole('button', { name: 'Set password and go on' }).click();
    await page.getByText('This is not the code that the console shows.').waitFor();
    await page.getByLabel('One-time code').fill(host.code);
    await page.getByRole('button', { name: 'Set password and go on' }).click();
    await page.getByRole('heading', { name: 'IO Modules' }).waitFor();
});

spec('a token is made and shown once; a project file with a mistake is refused before anything changes', { at: '#/system' }, async ({ page, context, host }) => {
    await page.getByRole('region', { name: 'Access' }).getByRole('button', { name: 'Add' }).click();
    await page.getByLabel('What for').fill('night script');
    await page.getByRole('button', { name: 'Make token' }).click();
    const token = await page.getByLabel('The token', { exact: true }).innerText();
    assert.ok(token.length > 30);
    await page.getByRole('button', { name: 'Done' }).click();
    await page.locator('.table li', { hasText: 'night script' }).waitFor();
    assert.equal((await page.content()).includes(token), false);

    const xml = await (await context.request.get(`${host.url}/api/project`)).text();
    const upload = (text) => page.getByLabel('Project file').setInputFiles({ name: 'line.xml', mimeType: 'application/xml', buffer: Buffer.from(text) });
    await upload(xml.replace(`>${host.server.port}<`, '>nine<'));
    await page.getByText('port takes a whole number from 0 to 65535, not "nine".').first().waitFor();
    assert.equal(await page.getByRole('button', { name: 'Replace the project' }).isDisabled(), true);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await upload(xml.replace('name="Line 3"', 'name="Line 4"'));
    await page.getByText('It can be used').waitFor();
    await page.getByRole('button', { name: 'Replace the project' }).click();
    await page.locator('.teller').getByText('The project was replaced.').waitFor();
});

spec('the log: levels, search, instance, pause, earlier', { at: '#/log' }, async ({ page, host }) => {
    await page.locator('.logline').first().waitFor();
    await page.getByLabel('Level').selectOption('warning');
    await page.waitForFunction(() => document.querySelectorAll('.logline').length > 0 && [...document.querySelectorAll('.logline')].every((one) => one.classList.contains('error') || one.classList.contains('warning')));
    await page.getByLabel('Level').selectOption('frame');
    await page.getByLabel('Instance').selectOption('roof');
    await page.getByLabel('Search in the log').fill('storm');
    await page.getByText('No line fits.').waitFor();
    host.say('roof', 'a storm comes');
    await page.locator('.logline', { hasText: 'a storm comes' }).waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    host.say('roof', 'the storm goes');
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.locator('.logline', { hasText: 'the storm goes' }).waitFor();
    const [saved] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download' }).click()]);
    assert.match(readFileSync(await saved.path(), 'utf8'), /a storm comes/);
});

spec('the policy forbids what comes from elsewhere, inline scripts and eval', {}, async ({ page, host }) => {
    const { headers } = await page.request.get(host.url).then((response) => ({ headers: response.headers() }));
    assert.match(headers['content-security-policy'], /default-src 'self'/);
    assert.doesNotMatch(headers['content-security-policy'], /unsafe/);
    const html = await (await page.request.get(host.url)).text();
    assert.doesNotMatch(html, /<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=|https?:\/\//);
});
