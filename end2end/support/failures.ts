// Reporter that lists the failures briefly at the very end, since readers of a long log see its last screen.
import type { FullConfig, Reporter, Suite, TestCase } from '@playwright/test/reporter';
import { relative } from 'node:path';

const linesOfOne = 10;

export default class Failures implements Reporter {
  private root = '';
  private suite: Suite | undefined;

  onBegin(config: FullConfig, suite: Suite): void {
    this.root = config.rootDir;
    this.suite = suite;
  }

  onEnd(): void {
    for (const test of this.suite?.allTests() ?? []) {
      if (!test.ok()) process.stdout.write(`\n${this.formatted(test)}\n`);
    }
  }

  private formatted(test: TestCase): string {
    const errors = test.results.flatMap((result) => result.errors.map((error) => error.message ?? String(error.value)));
    const lines = errors
      .flatMap((error) => error.replace(/\x1b\[[0-9;]*m/g, '').split('\n').filter((line) => line.trim() !== '').slice(0, linesOfOne))
      .map((line) => `    ${line.slice(0, 300)}`);
    return [`  ${relative(this.root, test.location.file)}:${test.location.line} › ${test.title}`, ...lines].join('\n');
  }
}
