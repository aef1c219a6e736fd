// Engine that a measurement runs on: a real one, or the simulator where a real one would be too small.

export interface EngineUnderTest {
  kind: 'engine' | 'simulator';
  /** For DOCKER_HOST. */
  host: string;
  socket: string;
  containers: number;
  /** Its name in the report when it is not the machine's own Docker. */
  name?: string;
  /** An image it has, for test containers. */
  image: string;
}

/** Label that states where a figure was measured. */
export const at = ({ kind, containers, name }: EngineUnderTest): string => {
  const engine = kind === 'simulator' ? 'sim' : name;
  return `at ${containers.toLocaleString('en-GB')}${engine === undefined ? '' : ` (${engine})`}`;
};
