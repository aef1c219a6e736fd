// How are figures collected, judged and printed?
import { percentile } from './statistics';

export interface Row {
  figure: string;
  measured: string;
  target: string;
  verdict: 'ok' | 'MISSED' | '';
}

export interface Series {
  containers: number;
  operation: string;
  /** Milliseconds, in the order they were taken. */
  domOverReader: number[];
  readerAfterEvent: number[];
}

export class Report {
  private readonly rows: Row[] = [];
  readonly series: Series[] = [];
  /** Anything else worth keeping in the file. */
  readonly notes: Record<string, unknown> = {};

  /** A figure with a target that it meets or not; without one it is for information. */
  add(figure: string, measured: string, target = '', met?: boolean): void {
    this.rows.push({ figure, measured, target, verdict: met === undefined ? '' : met ? 'ok' : 'MISSED' });
  }

  addSeries(series: Series): void {
    this.series.push(series);
  }

  p50(containers: number, operation: string): number | undefined {
    const series = this.series.find((one) => one.containers === containers && one.operation === operation);
    return series && percentile(series.domOverReader, 50);
  }

  missed(): Row[] {
    return this.rows.filter((row) => row.verdict === 'MISSED');
  }

  table(): string {
    const head: Row = { figure: 'figure', measured: 'measured', target: 'target', verdict: '' };
    const all = [head, ...this.rows];
    const width = (key: keyof Row) => Math.max(...all.map((row) => row[key].length));
    const [a, b, c] = [width('figure'), width('measured'), width('target')];
    const lines = all.map((row) =>
      `${row.figure.padEnd(a)}  ${row.measured.padEnd(b)}  ${row.target.padEnd(c)}  ${row.verdict}`.trimEnd(),
    );
    lines.splice(1, 0, '-'.repeat(a + b + c + 12));
    return lines.join('\n');
  }

  json(): object {
    return { rows: this.rows, series: this.series, notes: this.notes };
  }
}
