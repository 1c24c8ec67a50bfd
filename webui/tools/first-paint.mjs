// How long until something is to be seen, and until the instances are: medians over some loads, on loopback.
// Over the real host without the go-between, or over the driver that IOM_DRIVER names. Exit status 1 where the median
// of the first paint is over the limit, in ms.
//   node tools/first-paint.mjs [LOADS [LIMIT]]
import { launch } from '../test/browser.mjs';

const { begin } = await import(new URL(process.env.IOM_DRIVER ?? './host-driver.mjs', new URL('../test/', import.meta.url)));
const loads = Number(process.argv[2] ?? 15);
const limit = Number(process.argv[3] ?? 200);
if (!(Number.isInteger(loads) && loads > 0 && limit > 0)) {
    console.error('first-paint: LOADS is a whole number above 0, LIMIT a number of ms: node tools/first-paint.mjs 15 200');
    process.exit(2);
}
const median = (all) => all.toSorted((left, right) => left - right)[Math.floor(all.length / 2)];

const host = await begin({ project: 'demo', direct: true });
const browser = await launch();
const paints = [];
const lists = [];
try {
    for (let i = 0; i < loads; ++i) {
        const context = await browser.newContext();
        const page = await context.newPage();
        await page.addInitScript(() => {
            new MutationObserver((_, me) => {
                if (!document.querySelector('.entry')) return;
                window.listed = performance.now();
                me.disconnect();
            }).observe(document, { childList: true, subtree: true });
        });
        await page.goto(host.url);
        await page.waitForFunction(() => window.listed && performance.getEntriesByName('first-contentful-paint').length);
        const [paint, list] = await page.evaluate(() => [performance.getEntriesByName('first-contentful-paint')[0].startTime, window.listed]);
        paints.push(paint);
        lists.push(list);
        await context.close();
    }
} finally {
    await browser.close();
    await host.stop();
}
console.log(`first paint ${median(paints).toFixed(0)} ms, instances listed ${median(lists).toFixed(0)} ms (medians of ${loads} loads, empty cache)`);
if (median(paints) > limit) {
    console.error(`first-paint: that is over the limit of ${limit} ms. On a busy machine it says little: run it again alone; then look at what the page loads (npm run build tells its size).`);
    process.exitCode = 1;
}
