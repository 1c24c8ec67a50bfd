// Editing: nothing typed is lost, nobody is blamed for what one did oneself, and the keyboard is never left alone.
import assert from 'node:assert/strict';
import { spec } from './support.mjs';

const json = async (page, path) => (await page.request.get(new URL(path, page.url()).href)).json();
const ruleOf = (page, name) => json(page, `/api/rules/${encodeURIComponent(name)}`);

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
