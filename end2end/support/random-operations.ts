// Random operations with the docker CLI. Only operations that must succeed are chosen, so that every failure is a real one.
import { testImage, type Docker } from './docker';
import { Random } from './random';

type State = 'created' | 'running' | 'paused' | 'exited';

interface Container {
  name: string;
  state: State;
  networks: Set<string>;
}

type Operation = () => Promise<void>;

const most = { containers: 12, tags: 8, volumes: 6, networks: 4 };

export class RandomOperations {
  readonly done: string[] = [];
  private readonly random: Random;
  private serial = 0;
  private containers: Container[] = [];
  private tags: string[] = [];
  private images: string[] = [];
  private volumes: string[] = [];
  private networks: string[] = [];
  /** Never removed: every container starts in this network. */
  private home = '';

  constructor(
    private readonly docker: Docker,
    seed: number,
  ) {
    this.random = new Random(seed);
  }

  async prepare(): Promise<void> {
    this.home = this.docker.name('home');
    await this.docker.network(this.home);
    this.images = [testImage, await this.docker.image('other:1'), await this.docker.image('third:1')];
  }

  async perform(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const [name, operation] = this.random.of(this.possible());
      this.done.push(name);
      await operation();
    }
  }

  private possible(): [string, Operation][] {
    const { docker } = this;
    const all: [string, Operation][] = [];
    const may = (weight: number, name: string, operation: Operation) => {
      for (let i = 0; i < weight; i++) all.push([name, operation]);
    };
    const inState = (...states: State[]) => this.containers.filter((one) => states.includes(one.state));
    const onOne = (weight: number, verb: string, states: State[], act: (one: Container) => Promise<void>) => {
      if (inState(...states).length > 0) may(weight, verb, () => act(this.random.of(inState(...states))));
    };
    const simple = (weight: number, verb: string[], from: State[], to: State) =>
      onOne(weight, verb[0]!, from, async (one) => {
        await docker.cli(...verb, one.name);
        one.state = to;
      });

    if (this.containers.length < most.containers) {
      may(3, 'create', () => this.create(false));
      may(3, 'run', () => this.create(true));
    }
    simple(5, ['start'], ['created', 'exited'], 'running');
    simple(3, ['stop', '--time', '0'], ['running'], 'exited');
    simple(2, ['kill'], ['running'], 'exited');
    simple(2, ['restart', '--time', '0'], ['running', 'exited'], 'running');
    simple(3, ['pause'], ['running'], 'paused');
    simple(4, ['unpause'], ['paused'], 'running');
    onOne(3, 'rename', ['created', 'running', 'paused', 'exited'], async (one) => {
      const name = this.fresh('c');
      await docker.cli('rename', one.name, name);
      one.name = name;
    });
    onOne(2, 'rm --force', ['created', 'running', 'exited'], async (one) => {
      await docker.cli('rm', '--force', '--volumes', one.name);
      this.containers = this.containers.filter((other) => other !== one);
    });

    if (this.tags.length < most.tags)
      may(2, 'tag', async () => {
        const tag = `${this.fresh('i')}:1`;
        await docker.cli('tag', this.random.of(this.images), tag);
        this.tags.push(tag);
      });
    if (this.tags.length > 0) {
      may(2, 'retag', () => docker.cli('tag', this.random.of(this.images), this.random.of(this.tags)).then(() => {}));
      may(1, 'untag', () => docker.cli('rmi', this.takeOne(this.tags)).then(() => {}));
    }

    if (this.volumes.length < most.volumes)
      may(2, 'volume create', async () => {
        const name = this.fresh('v');
        await docker.volume(name);
        this.volumes.push(name);
      });
    if (this.volumes.length > 0) may(1, 'volume rm', () => docker.cli('volume', 'rm', this.takeOne(this.volumes)).then(() => {}));

    if (this.networks.length < most.networks)
      may(1, 'network create', async () => {
        const name = this.fresh('n');
        await docker.network(name);
        this.networks.push(name);
      });
    const empty = this.networks.filter((name) => !this.containers.some((one) => one.networks.has(name)));
    if (empty.length > 0)
      may(1, 'network rm', async () => {
        const name = this.random.of(empty);
        await docker.cli('network', 'rm', name);
        this.networks = this.networks.filter((other) => other !== name);
      });
    // The engine emits no event when a stopped container is connected, nor (Docker 28) for a
    // disconnect: only the reconcile would find the change.
    const disconnected = this.pairs((one, network) => one.state === 'running' && !one.networks.has(network));
    if (disconnected.length > 0)
      may(2, 'network connect', async () => {
        const [one, network] = this.random.of(disconnected);
        await docker.cli('network', 'connect', network, one.name);
        one.networks.add(network);
      });
    const joined = this.pairs((one, network) => ['running', 'paused'].includes(one.state) && one.networks.has(network));
    if (joined.length > 0)
      may(2, 'network disconnect', async () => {
        const [one, network] = this.random.of(joined);
        await docker.cli('network', 'disconnect', network, one.name);
        one.networks.delete(network);
      });
    return all;
  }

  private async create(started: boolean): Promise<void> {
    const name = this.fresh('c');
    const options = ['--network', this.home];
    // An anonymous volume is created and removed with its container.
    if (this.random.below(3) === 0) options.push('--volume', '/data');
    if (started) await this.docker.start(name, { options });
    else await this.docker.create(name, { options });
    this.containers.push({ name, state: started ? 'running' : 'created', networks: new Set() });
  }

  /** A paused container's network can't be changed; support in other states differs by engine. */
  private pairs(where: (one: Container, network: string) => boolean): [Container, string][] {
    return this.containers
      .filter((one) => one.state !== 'paused')
      .flatMap((one) => this.networks.filter((name) => where(one, name)).map((name) => [one, name] as [Container, string]));
  }

  private takeOne(list: string[]): string {
    return list.splice(this.random.below(list.length), 1)[0]!;
  }

  private fresh(letter: string): string {
    this.serial += 1;
    return this.docker.name(`${letter}${this.serial}`);
  }
}
