// Convergence of a page whose network flaps continuously.
import { expectAgreement } from '../support/agreement';
import { expect, test } from '../support/chaos';
import { ConnectionHistory } from '../support/connection-history';
import { ContainerChurn } from '../support/container-churn';
import { expectConnection, mark, open } from '../support/page';

// A trace that recorded each of the thousand changes would slow the page down to a few frames a second.
test.use({ trace: 'off' });

test('page and engine agree after a thousand changes with a disconnect every 300 ms', async ({ page, docker, network }) => {
  test.setTimeout(90_000);
  await open(page, '/containers');
  const document = await mark(page);
  const history = await ConnectionHistory.watch(page);
  const churn = new ContainerChurn(docker, 3, 3);
  // Sends `online` events, as a browser does when its network is back; otherwise the page's backoff, rightly, grows.
  await page.evaluate(() => setInterval(() => window.dispatchEvent(new Event('online')), 50));
  const cutting = setInterval(() => network.cut(), 300);
  try {
    await churn.perform(1_000);
  } finally {
    clearInterval(cutting);
    await churn.stop();
  }
  // Backoff grows to 10 s.
  await expectAgreement(page, docker, 12_000);
  await expectConnection(page, 'live', 'websocket', 35_000);
  expect(network.cuts, 'number of cut connections').toBeGreaterThan(30);
  await history.expectOnlyForward();
  await document.stayed();
});
