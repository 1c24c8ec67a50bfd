// With the keyboard alone: what is to be reached is reached by Tab, arrows, Enter, Space and Escape, and nothing else.
import assert from 'node:assert/strict';
import { spec } from './support.mjs';

const teller = (page) => page.locator('.teller');

/** What a screen reader would call the element that has the focus, more or less. */
const focused = (page) =>
    page.evaluate(() => {
        const one = document.activeElement;
        return (one?.getAttribute('aria-label') ?? one?.labels?.[0]?.textContent ?? one?.textContent ?? '').trim();
    });

/** Tab by Tab, at most once through the whole page and back to its beginning. */
async function tabTo(page, wanted) {
    const seen = [];
    for (let i = 0; i < 250; ++i) {
        await page.keyboard.press('Tab');
        const name = await focused(page);
        if (wanted.test(name)) return;
        seen.push(name.slice(0, 30));
    }
    assert.fail(`Tab does not lead to ${wanted}, but to ${seen.slice(0, 80).join(' | ')}`);
}

/** To that tab of the page, through the list of tabs. */
async function goTo(page, tab, heading = tab) {
    await tabTo(page, new RegExp(`^${tab}`));
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: heading, level: 1, exact: true }).waitFor();
}

const type = async (page, text) => {
    await page.keyboard.press('Control+A');
    await page.keyboard.type(text);
};

/** Whoever goes by keyboard sees where the focus is. */
const ringed = async (page) => assert.equal(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), 'solid', await focused(page));

spec('with the keyboard alone: an instance is found, changed, saved; a menu and a dialog are left', {}, async ({ page, host }) => {
    await page.locator('.entry').first().waitFor();
    await page.keyboard.press('Tab');
    assert.equal(await focused(page), 'To the content');
    await page.keyboard.press('Enter');
    await tabTo(page, /^Add$/);
    await page.keyboard.press('ArrowDown');
    assert.match(await focused(page), /^New /);
    await page.keyboard.press('End');
    assert.equal(await focused(page), 'Paste a table …');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Paste a table' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.waitForFunction(() => document.activeElement?.textContent === 'Add');
    await tabTo(page, /^press/);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'press', level: 1 }).waitFor();
    await page.waitForFunction(() => document.activeElement?.tagName === 'H1');
    await tabTo(page, /^Settings/);
    await page.keyboard.press('Enter');
    await page.locator('[data-field=port] input').waitFor();
    await tabTo(page, /^Port$/);
    await ringed(page);
    await type(page, '9002');
    await tabTo(page, /^Save$/);
    await ringed(page);
    await page.keyboard.press('Enter');
    await teller(page).getByText('Saved.').waitFor();
    assert.equal((await (await page.request.get(`${host.url}/api/instances/press`)).json()).settings.port, '9002');
});

spec('with the keyboard alone: a rule is changed, switched and moved', {}, async ({ page, host }) => {
    const rules = async () => (await (await page.request.get(`${host.url}/api/rules`)).json()).rules;
    await page.locator('.entry').first().waitFor();
    await goTo(page, 'Rules');
    await tabTo(page, /^Night mode is on$/);
    await page.keyboard.press('Space');
    await teller(page).getByText('“Night mode” is on.').waitFor();
    assert.equal((await rules()).find((one) => one.name === 'Night mode').enabled, true);
    await tabTo(page, /^Move Night mode up$/);
    await ringed(page);
    const before = (await rules()).findIndex((one) => one.name === 'Night mode');
    await page.keyboard.press('Enter');
    await teller(page).getByText(`“Night mode” is number ${before} now.`).waitFor();
    await tabTo(page, /^Count strokes(?! is on)/);
    await ringed(page);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Count strokes', level: 1 }).waitFor();
    await tabTo(page, /^When, interval$/);
    await type(page, '7s');
    await tabTo(page, /^Save$/);
    await page.keyboard.press('Enter');
    await teller(page).getByText('Saved.').waitFor();
    assert.equal((await rules()).find((one) => one.name === 'Count strokes').on[0].interval, '7s');
});

spec('with the keyboard alone: an event of the trace is opened and tried again', {}, async ({ page, host }) => {
    await page.getByRole('link', { name: /^press.*Ready/ }).waitFor();
    await host.say('press', 'ALARM 52 level 1 belt loose');
    await goTo(page, 'Rules');
    await tabTo(page, /^Trace$/);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Trace', level: 1 }).waitFor();
    await page.locator('.events .line', { hasText: 'ALARM 52' }).first().waitFor();
    await tabTo(page, /^Which events$/);
    await page.keyboard.press('ArrowDown');
    await page.waitForFunction(() => document.querySelector('[aria-label="Which events"]').value === 'fired');
    await tabTo(page, /ALARM 52/);
    await ringed(page);
    await page.keyboard.press('Enter');
    await tabTo(page, /^Try it against the rules as they are now$/);
    await page.keyboard.press('Enter');
    await page.locator('.tried', { hasText: 'Acknowledge alarms' }).getByText('It would fire.').waitFor();
});

spec('with the keyboard alone: the log is searched, filtered and held', {}, async ({ page, host }) => {
    await page.getByRole('link', { name: /^roof.*Ready/ }).waitFor();
    await host.say('roof', 'a word to look for');
    await goTo(page, 'Log');
    await tabTo(page, /^Search in the log$/);
    await page.keyboard.type('word to look');
    await page.getByText('No line fits.').waitFor(); // frames are not shown by default
    await tabTo(page, /^Level$/);
    await page.keyboard.press('End');
    await page.locator('.logline', { hasText: 'a word to look for' }).first().waitFor();
    await tabTo(page, /^Pause$/);
    await ringed(page);
    await page.keyboard.press('Space');
    assert.equal(await focused(page), 'Go on');
    await tabTo(page, /^Log, oldest first$/); // whoever cannot turn a wheel scrolls it by keys
});

spec('with the keyboard alone: a look is chosen on System, and a dialog asks before anything is lost', {}, async ({ page }) => {
    await page.locator('.entry').first().waitFor();
    await goTo(page, 'System');
    await tabTo(page, /^As the device$/);
    await page.keyboard.press('ArrowRight');
    await page.waitForFunction(() => document.documentElement.dataset.theme === 'light');
    await tabTo(page, /^Generate anew …$/);
    await ringed(page);
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Make a new certificate?' }).waitFor();
    // Nothing outside is reached while it is open.
    for (let i = 0; i < 8; ++i) {
        await page.keyboard.press('Tab');
        assert.equal(await page.evaluate(() => document.activeElement === document.body || document.activeElement?.closest('dialog') !== null), true, await focused(page));
    }
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.waitForFunction(() => document.activeElement?.textContent === 'Generate anew …');
});
