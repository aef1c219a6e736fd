// Report: collects figures, judges them against their limits, and prints them.
import { percentile } from './statistics';

export interface Row {
  figure: string;
  measured: string;
  target: string;
  verdict: 'ok' | 'missed' | 'not measured' | '';
  p50?: number;
  p95?: number;
  max?: number;
  /** In the order they were taken. */
  samples?: number[];
}

/** Limits for samples; a figure without limits is informational. */
export interface Judged {
  unit: 'ms' | 'B';
  /** Fewer samples than this do not count as a measurement. */
  atLeast: number;
  p50?: number;
  p95?: number;
  max?: number;
  /** A note for the reader, printed in brackets. */
  beside?: string;
}

const shares = ['p50', 'p95', 'max'] as const;

export class Report {
  readonly rows: Row[] = [];
  /** Other data to keep in the file. */
  readonly notes: Record<string, unknown> = {};

  /** Adds a figure with a target that it meets or not; without a target it is informational. */
  add(figure: string, measured: string, target = '', met?: boolean): void {
    this.rows.push({ figure, measured, target, verdict: met === undefined ? '' : met ? 'ok' : 'missed' });
  }

  addSamples(figure: string, samples: readonly number[], judged: Judged): void {
    if (samples.length < judged.atLeast) {
      this.fail(figure, `${samples.length} samples of ${judged.atLeast}`);
      return;
    }
    const is = { p50: percentile(samples, 50), p95: percentile(samples, 95), max: Math.max(...samples) };
    const text = (value: number) => (judged.unit === 'ms' ? value.toFixed(1) : String(Math.round(value)));
    const limits = shares.filter((share) => judged[share] !== undefined);
    // Compared at the printed precision: a frame of 16.667 ms is not over 16.7.
    const met = limits.every((share) => Number(text(is[share])) <= judged[share]!);
    this.rows.push({
      figure,
      measured:
        `${shares.map((share) => `${share} ${text(is[share])}`).join(', ')} ${judged.unit} ` +
        `(${['n=' + samples.length, judged.beside].filter((it) => it !== undefined).join('; ')})`,
      target: limits.map((share) => `${share} ≤ ${judged[share]} ${judged.unit}`).join(', '),
      verdict: limits.length === 0 ? '' : met ? 'ok' : 'missed',
      ...is,
      samples: samples.map((sample) => Number(sample.toFixed(3))),
    });
  }

  /** Records that a figure could not be measured: no verdict on the product, but one on the run. */
  fail(figure: string, why: string): void {
    this.rows.push({ figure, measured: why.split('\n')[0]!.slice(0, 160), target: '', verdict: 'not measured' });
  }

  /** p50 of the row with that name. */
  p50Of(figure: string): number | undefined {
    return this.rows.find((row) => row.figure === figure)?.p50;
  }

  get failures(): Row[] {
    return this.rows.filter((row) => row.verdict === 'not measured');
  }

  get missed(): Row[] {
    return this.rows.filter((row) => row.verdict === 'missed');
  }

  /** A table for the terminal that is also valid Markdown. */
  table(): string {
    const columns = ['figure', 'measured', 'target', 'verdict'] as const;
    const cells = [columns, ...this.rows.map((row) => columns.map((column) => row[column].replaceAll('|', '\\|')))];
    const widths = columns.map((_, at) => Math.max(...cells.map((line) => line[at]!.length)));
    const lines = cells.map((line) => `| ${line.map((cell, at) => cell.padEnd(widths[at]!)).join(' | ')} |`);
    lines.splice(1, 0, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`);
    return lines.join('\n');
  }

  json(): object {
    return { rows: this.rows, notes: this.notes };
  }
}
