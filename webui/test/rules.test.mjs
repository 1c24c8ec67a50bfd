// Rules: make one, see it fire, see why it did not.
import assert from 'node:assert/strict';
import { spec } from './support.mjs';

const teller = (page) => page.locator('.teller');

spec('a rule is made, tried, saved, and fires', { at: '#/rules/+', expect: ['422'] }, async ({ page, host }) => {
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Answer calls');
    await page.getByRole('button', { name: 'Add a trigger' }).click();
    await page.getByRole('button', { name: /Only some: add a match/ }).click();
    await page.getByLabel('Match String, match, kind').selectOption('regex');
    await page.getByLabel('Match String, match, text').fill('^CALL (\\w+)$');
    await page.getByRole('button', { name: 'Add a condition' }).click();
    await page.getByRole('button', { name: 'Add an action' }).click();
    await page.locator('.sentence', { hasText: 'press/send-message lacks its argument message' }).waitFor();
    const message = page.getByRole('group', { name: 'Then' }).getByRole('textbox', { name: 'Message' });
    await message.fill('coming, ');
    await page.getByRole('button', { name: 'Insert a value into Message' }).click();
    await page.getByLabel('Find a value').fill('Group 1');
    await page.getByRole('button', { name: /Group 1 of the expression/ }).click();
    assert.equal(await message.inputValue(), 'coming, ${3}');

    const sample = page.getByRole('region', { name: 'Try it' });
    await sample.getByLabel('Message', { exact: true }).fill('CALL bay7');
    await sample.getByText('It would fire.').waitFor();
    await sample.locator('pre', { hasText: 'coming, bay7' }).waitFor();
    await sample.getByLabel('Message', { exact: true }).fill('HALLO');
    await sample.getByText('It would not fire.').waitFor();
    await sample.getByText('The message does not fit the expression').waitFor();

    await page.getByRole('button', { name: 'Add', exact: true }).last().click();
    await teller(page).getByText('Saved.').waitFor();
    await page.getByRole('heading', { name: 'Answer calls', level: 1 }).waitFor();
    host.say('press', 'CALL bay7');
    await page.getByText(/Fired once, last/).waitFor();
    await host.heard('coming, bay7');
    await page.getByRole('button', { name: 'What it did' }).click();
    await page.locator('.events .line', { hasText: 'CALL bay7' }).click();
    await page.getByText('Send Message on press done').waitFor();
});

spec('why it did not fire: readable in the list, in the rule, in the trace', { at: '#/rules' }, async ({ page, host }) => {
    host.say('press', 'ALARM 17 level 3 pump overheated');
    const row = page.locator('.rulelist li', { hasText: 'Tell dispatch of severe alarms' });
    await row.getByText(/Its condition did not hold: status dispatch\/is-ready is true/).waitFor();
    await row.getByRole('link').click();
    await page.getByText('Why it last said no').waitFor();
    await page.locator('.why').getByText('Its condition did not hold: status dispatch/is-ready is true').waitFor();
    await page.getByRole('link', { name: 'Trace' }).click();
    await page.getByRole('heading', { name: 'Trace', level: 1 }).waitFor();
    await page.locator('.events .line', { hasText: 'ALARM 17' }).first().click();
    await page.locator('.looks', { hasText: 'Its condition did not hold' }).waitFor();
    await page.getByRole('button', { name: 'Try it against the rules as they are now' }).click();
    await page.locator('.tried', { hasText: 'Acknowledge alarms' }).getByText('It would fire.').waitFor();
    await page.locator('.tried', { hasText: 'Tell dispatch' }).getByText('It would not fire.').waitFor();
});

spec('rules are ordered, switched, duplicated, fired by hand, removed', { at: '#/rules' }, async ({ page }) => {
    const names = () => page.locator('.rulelist .entry .name').allInnerTexts();
    await page.getByRole('link', { name: /^\D*Count strokes/ }).focus();
    await page.keyboard.press('Alt+ArrowUp');
    await teller(page).getByText('“Count strokes” is number 2 now.').waitFor();
    await page.waitForFunction(() => document.querySelectorAll('.rulelist .entry .name')[1]?.textContent === 'Count strokes');
    assert.equal((await names())[2], 'Tell dispatch of severe alarms');
    assert.equal(await page.evaluate(() => document.activeElement?.querySelector('.name')?.textContent), 'Count strokes');

    await page.getByRole('switch', { name: 'Night mode is on' }).click({ force: true });
    await teller(page).getByText('“Night mode” is on.').waitFor();
    await page.getByRole('link', { name: /Night mode/ }).click();
    await page.getByRole('button', { name: 'Fire by hand' }).click();
    await teller(page).getByText('It fired: roof/send-message').waitFor();
    await page.getByRole('button', { name: 'More about Night mode' }).click();
    await page.getByRole('menuitem', { name: 'Duplicate …' }).click();
    await page.getByRole('button', { name: 'Duplicate', exact: true }).click();
    await page.getByRole('heading', { name: 'Night mode (copy)', level: 1 }).waitFor();
    await page.getByText('This rule is off.').waitFor();
    await page.getByRole('button', { name: 'More about Night mode (copy)' }).click();
    await page.getByRole('menuitem', { name: 'Remove …' }).click();
    await page.getByRole('button', { name: 'Remove', exact: true }).click();
    await teller(page).getByText('The rule was removed.').waitFor();
});

spec('who presses twice means what the first press has made, and is told nothing of others', { at: '#/rules' }, async ({ page }) => {
    const said = [];
    await page.exposeFunction('heard', (text) => said.push(text));
    await page.evaluate(() => new MutationObserver(() => window.heard(document.querySelector('.teller').innerText)).observe(document.querySelector('.teller'), { childList: true, subtree: true, characterData: true }));
    const first = () => page.locator('.rulelist .entry .name').first().innerText();
    const last = page.locator('.rulelist .entry').last();
    const name = await last.locator('.name').innerText();
    const steps = (await page.locator('.rulelist .entry').count()) - 1;
    assert.ok(steps > 2);
    // Faster than any answer comes.
    await last.evaluate((entry, steps) => {
        for (let i = 0; i < steps; ++i) entry.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowUp', altKey: true, bubbles: true }));
    }, steps);
    await page.waitForFunction((name) => document.querySelector('.rulelist .entry .name')?.textContent === name, name);
    assert.equal(await first(), name);
    const toggle = page.getByRole('switch', { name: `${name} is on` });
    const before = await toggle.isChecked();
    await toggle.evaluate((one) => {
        for (let i = 0; i < 3; ++i) one.click();
    });
    await page.waitForFunction(([name, on]) => [...document.querySelectorAll('.rulelist li')].find((one) => one.querySelector('.name').textContent === name).classList.contains('off') === on, [name, before]);
    assert.equal(said.some((text) => text.includes('Somebody else')), false, said.join(' | '));
});

spec('a new action goes to whoever called; the variable that a rule changes is named', { at: '#/rules/+', expect: ['422'] }, async ({ page }) => {
    const add = (what) => page.getByRole('button', { name: what });
    await add('Add a trigger').click();
    await page.getByLabel('When, instance').selectOption('roof');
    await add('Add an action').click();
    assert.equal(await page.getByLabel('Then 1, instance').inputValue(), 'roof');
    await add('Remove action 1').click();
    await page.getByLabel('When, instance').selectOption('*');
    await add('Add an action').click();
    assert.equal(await page.getByLabel('Then 1, instance').inputValue(), 'this');
    await page.locator('.rulelist li', { hasText: 'Count strokes' }).getByText('Add to variable strokes “1”').waitFor();
});

spec('a condition is picked from what the manifests have', { at: '#/rules/Report' }, async ({ page }) => {
    await page.getByLabel('If 1, instance').selectOption('meter');
    await page.getByLabel('If 1, status').selectOption('over');
    await page.getByLabel('If 1, compared with').selectOption('true');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await teller(page).getByText('Saved.').waitFor();
    await page.locator('.rulelist li', { hasText: 'Report' }).getByText('if meter/over is true').waitFor();
});

spec('a variable is added and used', { at: '#/variables', expect: ['422'] }, async ({ page }) => {
    await page.getByRole('button', { name: 'Add', exact: true }).last().click();
    await page.getByLabel('Name').fill('cue');
    await page.getByLabel('Type').selectOption('int');
    await page.getByLabel('At the start').fill('x');
    await page.getByRole('dialog').getByRole('button', { name: 'Add' }).click();
    await page.getByText('"x" is no whole number, and so the variable cue cannot begin with it.').waitFor();
    await page.getByLabel('At the start').fill('3');
    await page.getByRole('dialog').getByRole('button', { name: 'Add' }).click();
    await page.locator('.table li', { hasText: 'cue' }).getByText('3').waitFor();
});
