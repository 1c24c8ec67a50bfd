// A page in a browser, over a driver.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from './browser.mjs';

const { begin } = await import(process.env.IOM_DRIVER ?? './mock-driver.mjs');
let browser;
before(async () => {
    browser = await launch();
});
after(() => browser.close());

export const phone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };

/** A spec: a host of its own, a page of its own; nothing may be thrown or complained of in the page. */
export function spec(name, { host: hostOptions = {}, context: contextOptions = {}, at = '#/io', expect = [] } = {}, body) {
    test(name, { timeout: 1_200_000 }, async () => {
        const host = await begin(hostOptions);
        const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce', ...contextOptions });
        context.setDefaultTimeout(Number(process.env.IOM_PATIENCE ?? 60_000));
        const complaints = [];
        const open = async (path = at) => {
            const page = await context.newPage();
            page.on('pageerror', (error) => complaints.push(`thrown: ${error.message}`));
            page.on('console', (message) => {
                const text = message.text();
                if (message.type() === 'error' && !expect.some((one) => text.includes(one))) complaints.push(`console: ${text}`);
            });
            page.on('request', (request) => {
                if (!request.url().startsWith(host.url) && !request.url().startsWith('blob:')) complaints.push(`foreign: ${request.url()}`);
            });
            await page.goto(`${host.url}/${path}`);
            return page;
        };
        try {
            await Promise.race([
                open().then((page) => body({ host, context, page, open })),
                host.died.then((how) => {
                    throw new Error(`the host died: ${how}`);
                }),
            ]);
            assert.deepEqual(complaints, []);
        } catch (problem) {
            // What whoever looks into it wants to know: how the page looked, how the host is, what else went wrong.
            const shown = await Promise.all(context.pages().map((page) => page.evaluate(() => document.body.innerText.slice(0, 3000)).catch(() => '')));
            const told = [...complaints, ...host.breaches().slice(0, 3), ...shown, host.last()];
            await context.close();
            await host.stop().catch((why) => told.push(`at its end: ${why.message}`));
            problem.message += `\n${told.join('\n----\n')}`;
            throw problem;
        }
        await context.close();
        await host.stop();
    });
}

/** No sideways scrolling, at any place of the page. */
export async function fits(page) {
    const over = await page.evaluate(() => {
        const most = document.documentElement.clientWidth;
        return [...document.querySelectorAll('main *, header *, dialog[open] *')]
            .filter((one) => one.getBoundingClientRect().right > most + 1 && !one.closest('.rows, .scroll, pre, .views, .unseen, [hidden], svg') && getComputedStyle(one).position !== 'fixed')
            .map((one) => one.outerHTML.slice(0, 120))
            .slice(0, 3);
    });
    assert.deepEqual(over, []);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), true, 'the page scrolls sideways');
}
