// Does anything on the way from event to page grow with the list?
import { measured } from './operations';
import type { Report } from './report';
import { ms } from './statistics';

export function compareSizes(report: Report): void {
  for (const operation of measured) {
    const [small, large] = [report.p50(100, operation), report.p50(500, operation)];
    if (small === undefined || large === undefined) continue;
    const more = large - small;
    report.add(`${operation}: p50 at 500 less that at 100`, ms(more), '≤ 2 ms', more <= 2);
  }
}
