// Resource usage of a process, from the kernel's accounting.
import { readFileSync } from 'node:fs';
import { run } from '../support/run';
import { median } from './statistics';

/** Resident memory in bytes. */
export const residentBytes = (pid: number): number => memoryOf(pid, 'VmRSS');

/** Anonymous resident memory in bytes: without pages mapped from the binary's file. */
export const ownBytes = (pid: number): number => memoryOf(pid, 'RssAnon');

/** Peak resident memory in bytes. */
export const peakBytes = (pid: number): number => memoryOf(pid, 'VmHWM');

/** Median of thirty readings, once two seconds of them lie within 1 %; after 20 s, of the readings so far. */
export async function settledBytes(pid: number): Promise<number> {
  const readings: number[] = [];
  const deadline = performance.now() + 20_000;
  for (;;) {
    readings.push(residentBytes(pid));
    const latest = readings.slice(-30);
    const isSettled = latest.length === 30 && Math.max(...latest) <= Math.min(...latest) * 1.01;
    if (isSettled || performance.now() > deadline) return median(latest);
    await new Promise((resolve) => setTimeout(resolve, 67));
  }
}

function memoryOf(pid: number, key: string): number {
  const kilobytes = new RegExp(`^${key}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kilobytes === undefined) throw new Error(`process ${pid} has no ${key}`);
  return Number(kilobytes) * 1024;
}

/** Share of one core that a process uses during `meanwhile`: user and system time, all its threads, no children. */
export async function cpuShare(pid: number, meanwhile: () => Promise<unknown>): Promise<{ share: number; seconds: number }> {
  const ticksPerSecond = Number(await run('getconf', ['CLK_TCK']));
  const [before, began] = [cpuTicks(pid), performance.now()];
  await meanwhile();
  const seconds = (performance.now() - began) / 1000;
  return { share: (cpuTicks(pid) - before) / ticksPerSecond / seconds, seconds };
}

function cpuTicks(pid: number): number {
  // The second field is the name in brackets, which may contain spaces.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/** A fixed wait, where elapsed time itself is measured. */
export const lasting = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
