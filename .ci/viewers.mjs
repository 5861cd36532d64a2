// Run by .ci/viewers in a folder with all.md, all.html and the packages.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { JSDOM } from 'jsdom';

const [bin, chromium] = process.argv.slice(2);
const { window } = new JSDOM('<!DOCTYPE html><body></body>');
Object.assign(globalThis, { window, document: window.document });
const { default: mermaid } = await import('mermaid');

const diagrams = text => [...text.matchAll(/```mermaid\n([\s\S]*?)```/g)].map(match => match[1]);
const faults = [];
const parse = async diagram => {
  try {
    const { diagramType } = await mermaid.parse(diagram);
    if (diagramType !== 'sequence') faults.push(`${diagramType}: ${diagram}`);
  } catch (error) {
    faults.push(`${error.message}\n${diagram}`);
  }
};
await parse('sequenceDiagram\n  a->>');
if (faults.pop() === undefined) throw new Error('the parser catches nothing');

const names = ['end', 'a;b', '#quot;', '%%{init: {}}%%', 'a->>b: c', '"x"', '```', '</script>', 'two\nlines', 'loop', 'Note over a: b',
  '\u202etxt', '##vso[task.complete]', '{{x}}', 'x'.repeat(10000), '@everyone', 'activate a', ': :', '+-', 'as'];
const hostile = names.map(name => {
  const [group, quoted] = [name.replaceAll('.', '_'), name.replaceAll("'", "''")];
  const model = { flowrace: 1, name, state: { [group]: { kind: 'item', fields: { Count: 5 } } },
    flow: [{ forEach: `loop ${name}`, items: 2, concurrency: 2, do: [
      { name: `get ${name}`, get: group },
      { name, update: group, set: { Count: `@add(outputs('get ${quoted}')?['Count'], 1)` } }] }] };
  const run = spawnSync(bin, ['check', '-', '--format', 'markdown'], { input: JSON.stringify(model) });
  return String(run.stdout);
});
const all = [readFileSync('all.md', 'utf8'), ...hostile].map(diagrams);
all.slice(1).forEach((found, n) => found.length === 1 || faults.push(`no diagram for ${names[n]}`));
for (const diagram of all.flat()) await parse(diagram);
console.log(`Mermaid: ${all.flat().length} diagrams, ${faults.length} faults`);

if (chromium) {
  const { chromium: driver } = await import('playwright-core');
  const axe = readFileSync('node_modules/axe-core/axe.min.js', 'utf8');
  const browser = await driver.launch({ executablePath: chromium, args: ['--no-sandbox', '--disable-gpu'] });
  for (const colorScheme of ['light', 'dark']) {
    for (const width of [390, 1700]) {
      const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 }, bypassCSP: true });
      const page = await context.newPage();
      await page.goto(`file://${process.cwd()}/all.html`);
      await page.evaluate(axe);
      const { violations, passes } = await page.evaluate(() => globalThis.axe.run({
        runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
      faults.push(...violations.map(v => `${v.id}: ${v.help}: ${v.nodes[0].html}`));
      console.log(`axe-core, ${colorScheme}, ${width} wide: ${passes.length} rules pass, ${violations.length} do not`);
      await context.close();
    }
  }
  await browser.close();
} else {
  console.log('skipped: no chromium, so axe-core sees no page');
}
if (faults.length) {
  console.log(faults.join('\n'));
  process.exit(1);
}
