// Agreement of the page, a client in another language and the CLI after hundreds of random operations.
import type { Docker } from '../support/docker';
import { expect, test } from '../support/fixtures';
import { Follower } from '../support/follower';
import { namesOnPage, open, statesOnPage } from '../support/page';
import { RandomOperations } from '../support/random-operations';

const count = Number(process.env.QUAYLIGHT_OPERATIONS ?? 300);
const seed = Number(process.env.QUAYLIGHT_SEED ?? Date.now() % 2 ** 31);

test(`page, Python client and docker ps agree after ${count} random CLI operations`, async ({
  page,
  docker,
  server,
}, testInfo) => {
  test.setTimeout(240_000);
  testInfo.annotations.push({ type: 'seed', description: `QUAYLIGHT_SEED=${seed}` });
  const follower = new Follower(server.socketUrl());
  const cut = new Follower(server.socketUrl());
  await open(page, '/containers');

  const operations = new RandomOperations(docker, seed);
  await operations.prepare();
  for (let part = 0; part < 4; part++) {
    await operations.perform(count / 4);
    // One of the two clients loses its connection now and then, and must resume.
    await cut.drop();
  }
  await testInfo.attach('operations.txt', { body: operations.done.join('\n'), contentType: 'text/plain' });

  const truth = await account(docker);
  for (const client of [follower, cut]) {
    await expect.poll(async () => ofRun(docker, await client.dump()), { message: 'the Python client matches the CLI' }).toEqual(truth);
    const { gaps, faults } = await client.dump();
    expect(gaps, 'the revisions have no gap').toEqual([]);
    expect(faults, 'the client sees no protocol violation').toEqual([]);
  }
  const steady = await follower.dump();
  expect(steady.updates, 'the client receives one full state, then only diffs').toBe(1);
  const resumed = await cut.dump();
  expect(resumed.hellos, 'the client reconnects four times').toBe(5);
  expect(resumed.updates, 'each reconnect resumes with the missed diffs').toBe(1);

  await expect.poll(() => statesOnPage(page, docker.prefix), { message: 'the page matches the CLI' }).toEqual(truth.containers);
  for (const [where, kind, names] of [
    ['Images', 'image', truth.tags],
    ['Volumes', 'volume', truth.volumes],
    ['Networks', 'network', truth.networks],
  ] as const) {
    await page.getByRole('link', { name: new RegExp(`^${where}`) }).first().click();
    await expect(page).toHaveURL(new RegExp(`/${kind}s$`));
    if (kind === 'image') for (const tag of names) await expect(page.getByRole('main')).toContainText(tag);
    else
      await expect
        .poll(async () => (await namesOnPage(page, kind, docker.prefix)).sort(), { message: `the ${where} page matches the CLI` })
        .toEqual([...names]);
  }
  await Promise.all([follower.quit(), cut.quit()]);
});

interface Account {
  /** name → state */
  containers: Record<string, string>;
  tags: string[];
  volumes: string[];
  /** name of a container → names of its networks */
  members: Record<string, string[]>;
  networks: string[];
}

/** The objects of this run, as the CLI lists them. */
async function account(docker: Docker): Promise<Account> {
  const filter = ['--filter', `label=${docker.label}`];
  const containers = await docker.states();
  const members: Account['members'] = {};
  for (const name of Object.keys(containers))
    members[name] = Object.keys((await docker.inspect('container', name)).NetworkSettings.Networks).sort();
  return {
    containers,
    tags: (await docker.lines('images', '--format', '{{.Repository}}:{{.Tag}}', '--filter', `reference=${docker.prefix}*`)).sort(),
    volumes: (await docker.lines('volume', 'ls', '--quiet', ...filter)).sort(),
    members,
    networks: (await docker.lines('network', 'ls', '--format', '{{.Name}}', ...filter)).sort(),
  };
}

/** The objects of this run, from a client's state. */
function ofRun(docker: Docker, held: { containers: any[]; images: any[]; volumes: any[]; networks: any[] }): Account {
  const [label, run] = docker.label.split('=') as [string, string];
  const ours = (entity: any) => entity.labels?.[label] === run;
  const containers = held.containers.filter(ours);
  return {
    containers: Object.fromEntries(containers.map((one) => [one.name, one.state])),
    tags: held.images.flatMap((one) => one.tags as string[]).filter((tag) => tag.startsWith(docker.prefix)).sort(),
    volumes: held.volumes.filter(ours).map((one) => one.id).sort(),
    members: Object.fromEntries(containers.map((one) => [one.name, one.networks.map((two: any) => two.name).sort()])),
    networks: held.networks.filter(ours).map((one) => one.name).sort(),
  };
}
