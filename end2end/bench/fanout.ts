// Fan-out of one change to a thousand sockets, also when some never read.
import { readFileSync } from 'node:fs';
import { EngineApi } from '../support/engine-api';
import type { Server } from '../support/server';
import { Simulator } from '../support/simulator';
import { BareReader } from './bare-reader';
import { Crowd } from './crowd';
import { targets } from './figures';
import { at } from './engine-under-test';
import { residentBytes, settledBytes } from './process';
import { serve } from './serve';
import type { Setting } from './setting';
import { mb, median } from './statistics';

const sockets = 1_000;
const mutes = 100;

export async function measureFanout({ report, amounts, say }: Setting): Promise<void> {
  const simulator = await Simulator.start({ containers: 1_000 });
  const reader = await BareReader.start(simulator.socket);
  const api = new EngineApi(simulator.socket);
  const judged = { unit: 'ms', atLeast: amounts.samples, p95: targets.lastOfThousandMs } as const;
  try {
    const id = await api.createContainer('fanout-0', simulator.image);
    await serve(simulator.host, async (server) => {
      say(`${sockets} sockets`);
      const before = await settledBytes(server.pid);
      const during = await crowded(server, { readers: sockets }, async (crowd) => {
        const { last, half } = await changes(crowd, id);
        const beside = `half of them have it after ${median(half).toFixed(1)}`;
        report.addSamples(`${sockets} sockets, one change: the last has it, ${at(simulator)}`, last, { ...judged, beside });
        return settledBytes(server.pid);
      });
      report.add(...memory(before, during, await settledBytes(server.pid)));
    });
    await serve(simulator.host, async (server) => {
      say(`${sockets} sockets, ${mutes} of which never read`);
      const before = await settledBytes(server.pid);
      const during = await crowded(server, { readers: sockets - mutes, mutes }, async (crowd) => {
        const full = await blocked(server);
        const { last, half } = await changes(crowd, id);
        const stuck = sendQueues(server).filter((bytes) => bytes > 0).length;
        const beside = `half after ${median(half).toFixed(1)}; ${stuck} stuck, ${mb(median(full))} unread for each`;
        report.addSamples(`… ${mutes} of them never read: the last of the others has it`, last, { ...judged, beside });
        return residentBytes(server.pid);
      });
      report.add(...memory(before, during, await settledBytes(server.pid)));
    });
  } finally {
    reader.stop();
    api.close();
    await simulator.stop();
  }

  /** Milliseconds from the bare reader's receipt of an event to the last, and to the median, reader of the crowd. */
  async function changes(crowd: Crowd, id: string): Promise<{ last: number[]; half: number[] }> {
    const [last, half]: [number[], number[]] = [[], []];
    await Promise.all([reader.calibrate(), crowd.calibrate()]);
    for (let round = 0; round < amounts.samples; round++) {
      // A diff sends only the changed part of a name: the beginning and the end always change.
      const name = `${'pqrs'[round % 4]}-fanout-${Math.random().toString(36).slice(2, 12)}-${'wxyz'[round % 4]}`;
      const { all } = await crowd.watchFor(name);
      await api.call('POST', `/containers/${id}/rename?name=${name}`);
      const event = await reader.events.take((event) => event.id === id && event.action === 'rename', name);
      const arrived = await all;
      last.push(Math.max(...arrived) - event.seenMs);
      half.push(median(arrived) - event.seenMs);
    }
    return { last, half };
  }
}

const memory = (before: number, during: number, after: number): [string, string] => [
  '… server memory (RSS) before, with, after them',
  `${mb(before)}, ${mb(during)}, ${mb(after)}`,
];

async function crowded<T>(
  server: Server,
  who: { readers: number; mutes?: number },
  use: (crowd: Crowd) => Promise<T>,
): Promise<T> {
  const crowd = await Crowd.gather(server.url, who);
  try {
    return await use(crowd);
  } finally {
    await crowd.disperse();
  }
}

/** Waits until the server can't write to the mute sockets anymore; returns the bytes the kernel queues for each. */
async function blocked(server: Server): Promise<number[]> {
  const deadline = performance.now() + 20_000;
  let before = '';
  for (;;) {
    const full = sendQueues(server).filter((bytes) => bytes > 0);
    if (full.length >= mutes && before === full.join()) return full;
    if (performance.now() > deadline) throw new Error(`Only ${full.length} of ${mutes} mute sockets hold the server up.`);
    before = full.join();
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

/** Bytes that the server has written and the peer has not acknowledged, for each of its connections. */
function sendQueues(server: Server): number[] {
  const port = Number(new URL(server.url).port).toString(16).toUpperCase().padStart(4, '0');
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n').map((line) => line.trim().split(/\s+/));
  const established = lines.filter(([, local, , state]) => local?.endsWith(`:${port}`) && state === '01');
  return established.map((fields) => Number.parseInt(fields[4]!.split(':')[0]!, 16));
}
