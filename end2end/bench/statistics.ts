// Percentiles, and figures as text.

/** Nearest rank: the smallest sample that at least `p` percent do not exceed. */
export function percentile(samples: readonly number[], p: number): number {
  if (samples.length === 0) return Number.NaN;
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)]!;
}

export const median = (samples: readonly number[]): number => percentile(samples, 50);

export const ms = (value: number): string => `${value.toFixed(1)} ms`;

export const kb = (bytes: number): string => `${(bytes / 1000).toFixed(1)} KB`;

export const mb = (bytes: number): string => `${(bytes / 1_000_000).toFixed(1)} MB`;

export const percentOf = (share: number): string => `${(share * 100).toFixed(2)} %`;
