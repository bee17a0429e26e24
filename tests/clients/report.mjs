// What `node --test` reports, in the form that tools/run-tests reads: each failure, then one line.
// Node 18 also reports each file as a test; such an event counts only when a file fails and none of
// its tests did, such as when its server does not start.
import { inspect } from 'node:util';

const isFile = (event) => event.name.endsWith('.test.mjs');

function describe({ name, details }) {
  const error = details.error?.cause ?? details.error;
  return `FAILED ${name.replace(/^.*\/(?=.*\.mjs$)/, '')}\n${error?.stack ?? inspect(error)}\n\n`;
}

export default async function* report(events) {
  const failedFiles = [];
  let passed = 0;
  let failed = 0;
  let skipped = 0;

  for await (const { type, data } of events) {
    if (type === 'test:pass' && data.skip !== undefined) {
      skipped += 1;
    } else if (type === 'test:pass' && !isFile(data)) {
      passed += 1;
    } else if (type === 'test:fail' && isFile(data)) {
      failedFiles.push(data);
    } else if (type === 'test:fail') {
      failed += 1;
      yield describe(data);
    } else if (type === 'test:stderr') {
      yield data.message;
    }
  }
  for (const data of failedFiles) {
    if (data.details.error?.failureType !== 'subtestsFailed') {
      failed += 1;
      yield describe(data);
    }
  }
  if (skipped > 0) {
    yield `${skipped} skipped\n`;
  }
  yield `${passed} passed, ${failed} failed\n`;
}
