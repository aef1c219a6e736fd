// Comparison of latency and bytes across list sizes.
import { measured } from './operations';
import type { Report } from './report';
import { ms } from './statistics';

export function compareSizes(report: Report): void {
  for (const operation of measured) {
    const [small, large] = [100, 500].map((size) => report.p50Of(`${operation} → DOM over the reader, at ${size}`));
    if (small === undefined || large === undefined) continue;
    report.add(`${operation}: p50 at 500 less that at 100`, ms(large - small));
  }
}
