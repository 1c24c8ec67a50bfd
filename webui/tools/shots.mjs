// Takes the pictures of the README: node tools/shots.mjs [FOLDER]. Over the driver that IOM_DRIVER names, or
// the mock.
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { launch } from '../test/browser.mjs';

const { begin } = await import(new URL(process.env.IOM_DRIVER ?? './host-driver.mjs', new URL('../test/', import.meta.url)));
const folder = process.argv[2] ?? fileURLToPath(new URL('../../docs/pictures/', import.meta.url));
mkdirSync(folder, { recursive: true });

const desk = { viewport: { width: 1280, height: 800 } };
const phone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };
const until = (selector, text) => (page) => page.locator(selector).filter({ hasText: text }).first().waitFor();

const pictures = [
    ['instance', { ...desk, colorScheme: 'light' }, '#/io/press', until('.plot', 'Round trip')],
    ['waiting-dark', { ...desk, colorScheme: 'dark' }, '#/io/crane', async (page) => {
        await page.getByRole('button', { name: 'Test connection' }).click();
        await page.locator('.steps > li.failed').waitFor();
    }],
    ['settings', { ...desk, colorScheme: 'light' }, '#/io/roof/settings', async (page) => {
        await page.locator('[data-field=port] input').fill('http');
        await page.getByText('port takes a whole number').waitFor();
        await page.locator('[data-field=hostname]').scrollIntoViewIfNeeded();
    }],
    ['rule', { ...desk, colorScheme: 'light' }, '#/rules/Acknowledge%20alarms', async (page) => {
        await page.getByRole('region', { name: 'Try it' }).getByLabel('Message').fill('ALARM 17 level 3 pump overheated');
        await page.getByText('It would fire.').waitFor();
    }],
    ['phone', { ...phone, colorScheme: 'light' }, '#/io', until('.entry', 'press')],
    ['phone-dark', { ...phone, colorScheme: 'dark' }, '#/io/crane', until('.lasterror', 'refused')],
];

const host = await begin({ project: 'demo' });
const browser = await launch();
try {
    for (const [name, options, place, ready] of pictures) {
        const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
        const page = await context.newPage();
        await page.goto(`${host.url}/${place}`);
        await ready(page);
        await page.screenshot({ path: `${folder}/${name}.png` });
        console.log(`${folder}/${name}.png`);
        await context.close();
    }
} finally {
    await browser.close();
    await host.stop();
}
