// System: project up and down, support bundle, password, tokens, certificate; an instance carried as text.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { pair } from './pem.mjs';
import { spec } from './support.mjs';

const teller = (page) => page.locator('.teller');
const download = async (page, name) => {
    const [saved] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name, exact: true }).click()]);
    return { name: saved.suggestedFilename(), bytes: readFileSync(await saved.path()) };
};

spec('project and support bundle are downloaded, and hold no secret', { at: '#/system' }, async ({ page }) => {
    const project = await download(page, 'Download');
    assert.match(project.name, /\.xml$/);
    assert.match(project.bytes.toString(), /\$\{secret:roof-bearer-token\}/);
    const bundle = await download(page, 'Support bundle');
    const text = bundle.bytes[0] === 0x1f ? gunzipSync(bundle.bytes).toString('latin1') : bundle.bytes.toString();
    assert.match(text, /Line 3/);
    for (const secret of ['f7c1e0', 'opensesame']) assert.equal((project.bytes.toString() + text).includes(secret), false);
});

spec('a password is set, changed, and asked for; a wrong old one is refused', { at: '#/system', expect: ['401', '422', 'WebSocket'] }, async ({ page, host, context }) => {
    const set = async (open, confirm, old, fresh) => {
        await page.getByRole('button', { name: open }).click();
        if (old) await page.getByLabel('Password until now').fill(old);
        await page.getByLabel('New password').fill(fresh);
        await page.getByLabel('Once more').fill(fresh);
        await page.getByRole('dialog').getByRole('button', { name: confirm }).click();
    };
    await set(/^Set a password/, 'Set password', '', 'correct horse');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    assert.equal((await fetch(`${host.url}/api/system`)).status, 401);
    await set(/^Change password/, 'Change password', 'wrong password', 'battery staple');
    await page.getByText('The old password is not right.').waitFor();
    await page.getByLabel('Password until now').fill('correct horse');
    await page.getByRole('dialog').getByRole('button', { name: 'Change password' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const log = (password) => fetch(`${host.url}/api/session`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ password }) });
    assert.equal((await log('correct horse')).status, 401);
    assert.equal((await log('battery staple')).status, 200);
    assert.equal((await context.request.get(`${host.url}/api/system`)).status(), 200);
});

spec('a token opens what it may, and nothing once it is revoked', { at: '#/system' }, async ({ page, host }) => {
    await page.getByRole('region', { name: 'Access' }).getByRole('button', { name: 'Add' }).click();
    await page.getByLabel('What for').fill('graphs');
    await page.getByRole('button', { name: 'Make token' }).click();
    const token = await page.getByLabel('The token', { exact: true }).innerText();
    await page.getByRole('button', { name: 'Done' }).click();
    const headers = { Authorization: `Bearer ${token}` };
    assert.equal((await fetch(`${host.url}/api/instances`, { headers })).status, 200);
    await page.getByRole('button', { name: 'Revoke graphs' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await page.locator('.table li', { hasText: 'graphs' }).waitFor({ state: 'detached' });
    assert.doesNotMatch(await page.content(), new RegExp(token));
});

spec('a certificate of our own takes the place of the generated one', { at: '#/system' }, async ({ page }) => {
    const { certificate, key } = pair('controller.plant.example');
    const https = page.getByRole('region', { name: 'HTTPS certificate' });
    await https.getByRole('button', { name: 'Replace …' }).click();
    await page.getByLabel('Certificate and its chain (PEM)').fill(certificate);
    await page.getByLabel('Its key (PEM)').fill(key);
    await page.getByRole('dialog').getByRole('button', { name: 'Use it' }).click();
    await https.getByText('controller.plant.example').first().waitFor();
    assert.doesNotMatch(await page.content(), /PRIVATE KEY-----\n/);
});

spec('an event of the trace is tried again against a rule that was changed since', { at: '#/trace' }, async ({ page, host }) => {
    await host.say('press', 'ALARM 88 level 1 belt torn');
    const line = page.locator('.events .line', { hasText: 'ALARM 88' });
    await line.first().click();
    await page.getByRole('button', { name: 'Try it against the rules as they are now' }).click();
    await page.locator('.tried', { hasText: 'Acknowledge alarms' }).getByText('It would fire.').waitFor();
    const rule = `${host.url}/api/rules/Acknowledge%20alarms`;
    const { etag } = (await page.request.get(rule)).headers();
    assert.equal((await page.request.put(`${rule}/enabled`, { data: { enabled: false }, headers: { 'If-Match': etag } })).status(), 200);
    await page.getByRole('button', { name: 'Try it against the rules as they are now' }).click();
    await page.locator('.tried', { hasText: 'Acknowledge alarms' }).getByText('It is not enabled.').waitFor();
});
