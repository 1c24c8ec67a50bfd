// Takes the pictures of the README: node tools/shots.mjs [FOLDER]. Over the real host, its modules and iompeer, or
// over the driver that IOM_DRIVER names.
import { mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launch } from '../test/browser.mjs';
import { small } from './png.mjs';

const { begin } = await import(new URL(process.env.IOM_DRIVER ?? './host-driver.mjs', new URL('../test/', import.meta.url)));
const folder = resolve(process.argv[2] ?? fileURLToPath(new URL('../../docs', import.meta.url)));
mkdirSync(folder, { recursive: true });
const most = 150 * 1024; // bytes of one picture

const desk = { viewport: { width: 1280, height: 800 } };
const phone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };

const pictures = [
    ['phone', { ...phone, colorScheme: 'light' }, '#/io', (page) => page.locator('.entry', { hasText: 'crane' }).getByText('refused').waitFor()],
    ['dark', { ...desk, colorScheme: 'dark' }, '#/io/crane', async (page) => {
        await page.getByRole('button', { name: 'Test connection' }).click();
        await page.locator('.steps > li.failed').waitFor();
    }],
    ['rules', { ...desk, colorScheme: 'light' }, '#/rules/Acknowledge%20alarms', async (page) => {
        await page.getByRole('region', { name: 'Try it' }).getByLabel('Message', { exact: true }).fill('ALARM 17 level 3 pump overheated');
        await page.getByText('It would fire.').waitFor();
    }],
    ['trace', { ...desk, colorScheme: 'light' }, '#/trace', async (page) => {
        await page.getByLabel('Of which instance').selectOption('press');
        await page.locator('.events .line', { hasText: 'ALARM' }).first().click();
        await page.locator('.looks', { hasText: 'Its condition did not hold' }).first().waitFor();
        await page.getByRole('button', { name: 'Try it against the rules as they are now' }).first().click();
        await page.locator('.tried').first().waitFor();
    }],
    ['frames', { ...desk, colorScheme: 'light' }, '#/io/roof/frames', async (page, host) => {
        for (const wind of [11, 14, 12]) await host.say('roof', JSON.stringify({ type: 'weather', wind, unit: 'm/s' }));
        await page.getByLabel('Payload as').selectOption('json');
        await page.locator('.frames .line', { hasText: 'weather' }).nth(2).click();
        await page.locator('.frames li > pre').first().waitFor();
    }],
    ['io-modules', { ...desk, colorScheme: 'light' }, '#/io/press', async (page) => {
        // Some points of ten seconds make a line.
        await page.waitForFunction(async () => (await (await fetch('/api/instances/press/history')).json()).roundTrip.filter((one) => one !== null).length >= 4, null, { polling: 1000 });
        await page.reload();
        await page.locator('.plot', { hasText: 'Round trip' }).waitFor();
        await page.locator('.plot', { hasText: 'Messages' }).waitFor();
    }],
];

const host = await begin({ project: 'demo', alarms: true });
const browser = await launch();
try {
    for (const [name, options, place, ready] of pictures) {
        const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
        context.setDefaultTimeout(Number(process.env.IOM_PATIENCE ?? 60_000));
        const page = await context.newPage();
        await page.goto(`${host.url}/${place}`);
        await ready(page, host);
        await page.evaluate(() => window.scrollTo(0, 0));
        const path = `${folder}/${name}.png`;
        const picture = small(await page.screenshot());
        writeFileSync(path, picture);
        console.log(`${path}  ${picture.length} bytes`);
        if (picture.length > most) throw new Error(`${path} is larger than ${most} bytes.`);
        await context.close();
    }
} finally {
    await browser.close();
    await host.stop();
}
