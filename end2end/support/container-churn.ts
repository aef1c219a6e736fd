// Container churn: continuous random changes while a test disturbs the connection.
import { testImage, type Docker } from './docker';
import { EngineApi } from './engine-api';
import { Random } from './random';

type State = 'created' | 'running' | 'paused' | 'exited';

interface Container {
  id: string;
  state: State;
}

const most = 5;

/**
 * Random operations on the test's own containers, one after the other in each of a few lanes. Uses the engine's API:
 * a docker command would take longer than most of the operations.
 */
export class ContainerChurn {
  /** Completed operations; each is at least one change. */
  changes = 0;
  private readonly api: EngineApi;
  private readonly lanes: Lane[];
  private running: Promise<unknown> = Promise.resolve();
  private stopping = false;

  constructor(docker: Docker, seed: number, lanes = 1) {
    this.api = new EngineApi(docker.host.replace('unix://', ''));
    this.lanes = Array.from({ length: lanes }, (_, at) => new Lane(docker, this.api, new Random(seed + at), `lane${at}`));
  }

  /** Runs until `stop`. */
  start(): void {
    this.running = this.until(() => this.stopping);
    // `stop` reports the error to the test that awaits it.
    this.running.catch(() => {});
  }

  /** Rejects when an operation failed: only operations that must succeed are chosen. */
  async stop(): Promise<void> {
    this.stopping = true;
    await this.running.finally(() => this.api.close());
  }

  /** Performs `count` more operations; rejects as `stop` does. */
  async perform(count: number): Promise<void> {
    const enough = this.changes + count;
    await this.until(() => this.changes >= enough);
  }

  private async until(isOver: () => boolean): Promise<void> {
    await Promise.all(
      this.lanes.map(async (lane) => {
        while (!isOver()) {
          // Counted in advance, so that the lanes together don't exceed `count`.
          this.changes += 1;
          await lane.perform();
        }
      }),
    );
  }
}

class Lane {
  private containers: Container[] = [];
  private serial = 0;

  constructor(
    private readonly docker: Docker,
    private readonly api: EngineApi,
    private readonly random: Random,
    private readonly word: string,
  ) {}

  async perform(): Promise<void> {
    await this.random.of(this.possible())();
  }

  /** Favors quick operations: a start takes as long as ten renames. */
  private possible(): (() => Promise<void>)[] {
    const all: (() => Promise<void>)[] = [];
    const may = (weight: number, from: State[], act: (one: Container) => Promise<void>) => {
      const fitting = this.containers.filter((one) => from.includes(one.state));
      if (fitting.length > 0) for (let i = 0; i < weight; i++) all.push(() => act(this.random.of(fitting)));
    };
    if (this.containers.length < most) for (let i = 0; i < 4; i++) all.push(() => this.create());
    may(2, ['created', 'exited'], (one) => this.move(one, 'start', 'running'));
    may(1, ['running'], (one) => this.move(one, 'kill', 'exited'));
    may(4, ['running'], (one) => this.move(one, 'pause', 'paused'));
    may(6, ['paused'], (one) => this.move(one, 'unpause', 'running'));
    may(6, ['created', 'running', 'paused', 'exited'], (one) => this.rename(one));
    may(3, ['created', 'exited'], (one) => this.remove(one));
    return all;
  }

  private async create(): Promise<void> {
    const [key = '', value = ''] = this.docker.label.split('=');
    const id = await this.api.createContainer(this.freshName(), testImage, { [key]: value });
    this.containers.push({ id, state: 'created' });
  }

  private async move(one: Container, verb: string, to: State): Promise<void> {
    const deadline = Date.now() + 5_000;
    for (;;) {
      const refusal = await this.api.call('POST', `/containers/${one.id}/${verb}`).then(
        () => null,
        (error: Error) => error,
      );
      if (refusal === null) break;
      // containerd reports a pause or its end to the engine twice, the second time late: each report may briefly undo
      // the other (moby 20.10).
      if (!/is (already|not) paused/.test(refusal.message) || Date.now() > deadline) throw refusal;
    }
    one.state = to;
  }

  private async rename(one: Container): Promise<void> {
    await this.api.call('POST', `/containers/${one.id}/rename?name=${this.freshName()}`);
  }

  private async remove(one: Container): Promise<void> {
    await this.api.call('DELETE', `/containers/${one.id}?v=true`);
    this.containers = this.containers.filter((other) => other !== one);
  }

  private freshName(): string {
    this.serial += 1;
    return this.docker.name(`${this.word}-${this.serial}`);
  }
}
