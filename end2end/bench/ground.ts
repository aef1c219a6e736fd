// What engine does a measurement stand on? The real one, or the simulator where that would be too small.

export interface Ground {
  kind: 'engine' | 'simulator';
  /** For DOCKER_HOST. */
  host: string;
  socket: string;
  containers: number;
  /** An image it has, for containers of our own. */
  image: string;
}

/** As figures say where they were taken. */
export const at = ({ kind, containers }: Ground): string =>
  `at ${containers.toLocaleString('en-GB')}${kind === 'simulator' ? ' (sim)' : ''}`;
