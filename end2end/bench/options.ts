// Command-line options, and the sample counts they imply.
import { figures, type FigureName } from './figures';

export interface Options {
  quick: boolean;
  long: boolean;
  wants(figure: FigureName): boolean;
}

export interface Amounts {
  /** Samples per repeated figure: a figure with fewer was not measured. */
  samples: number;
  idleSeconds: number;
  mixedSeconds: number;
  busySeconds: number;
  stormSeconds: number;
  /** Number of network cuts, and of tabs that each cut affects. */
  outages: number;
  tabs: number;
  heapSeconds: number;
}

const usage = `Usage: bench [--quick] [--long] [--only ${Object.keys(figures).join(',')}]`;

export function readOptions(args: readonly string[]): Options {
  const given = new Set<string>();
  let only: string[] | undefined;
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    if (arg === '--only') only = args[++at]?.split(',') ?? [''];
    else if (arg === '--quick' || arg === '--long') given.add(arg);
    else throw new Error(`There is no option ${arg}.\n${usage}`);
  }
  const unknown = only?.find((name) => !(name in figures));
  if (unknown !== undefined) throw new Error(`There is no figure "${unknown}".\n${usage}`);
  return {
    quick: given.has('--quick'),
    long: given.has('--long'),
    wants: (figure) => only === undefined || only.includes(figure),
  };
}

export function amounts({ quick, long }: Options): Amounts {
  const heapSeconds = long ? 1800 : quick ? 20 : 180;
  return quick
    ? { samples: 10, idleSeconds: 10, mixedSeconds: 120, busySeconds: 10, stormSeconds: 5, outages: 2, tabs: 5, heapSeconds }
    : { samples: 30, idleSeconds: 30, mixedSeconds: 600, busySeconds: 30, stormSeconds: 10, outages: 6, tabs: 5, heapSeconds };
}
