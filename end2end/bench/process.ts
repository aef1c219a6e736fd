// What does a process cost, by the kernel's own account?
import { readFileSync } from 'node:fs';
import { run } from '../support/run';

/** Resident memory in bytes. */
export function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kilobytes === undefined) throw new Error(`process ${pid} has no VmRSS`);
  return Number(kilobytes) * 1024;
}

/** Seconds of CPU used so far, user and system, all threads. */
export async function cpuSeconds(pid: number): Promise<number> {
  const ticksPerSecond = Number(await run('getconf', ['CLK_TCK']));
  // The second field is the name in brackets, which may hold spaces.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}
