// Creates many containers on an engine quickly.
import { testImage } from '../support/docker';
import { EngineApi } from '../support/engine-api';

/** Each running container costs a process and a shim: beyond this number, containers are only created. */
const mostRunning = 100;

export class Population {
  running = 0;
  total = 0;
  private readonly api: EngineApi;

  constructor(socketPath: string) {
    this.api = new EngineApi(socketPath);
  }

  async growTo(count: number): Promise<void> {
    const missing = Array.from({ length: count - this.total }, (_, at) => this.total + at);
    this.total = count;
    // Two cores gain nothing from more than four at once.
    await Promise.all(
      Array.from({ length: 4 }, async () => {
        for (let at = missing.shift(); at !== undefined; at = missing.shift()) await this.one(at);
      }),
    );
  }

  close(): void {
    this.api.close();
  }

  private async one(at: number): Promise<void> {
    const name = `bench-${String(at).padStart(4, '0')}`;
    const stack = { 'com.docker.compose.project': `stack-${at % 20}`, 'com.docker.compose.service': `service-${at}` };
    const id = await this.api.createContainer(name, testImage, stack);
    if (this.running >= mostRunning) return;
    this.running += 1;
    await this.api.call('POST', `/containers/${id}/start`);
  }
}
