// Measured changes: the operation, its engine event, and the expected result in the page.
import type { EngineApi } from '../support/engine-api';
import type { Seen } from './page-probe';

export interface Subject {
  id: string;
  name: string;
  image: string;
}

export interface Operation {
  name: string;
  /** Not measured, only a step between measured ones. */
  silent?: boolean;
  /** The action of the engine event that announces it. */
  event: string;
  perform(api: EngineApi, subject: Subject): Promise<unknown>;
  shown(seen: Seen, subject: Subject): boolean;
}

const inState = (state: string) => (seen: Seen, subject: Subject) =>
  seen.what === 'row' && seen.name === subject.name && seen.state === state;

const post = (verb: string, query = '') => (api: EngineApi, { id }: Subject) =>
  api.call('POST', `/containers/${id}/${verb}${query}`);

/** A container's lifecycle, in order. */
export const life: Operation[] = [
  {
    name: 'create',
    event: 'create',
    perform: async (api, subject) => {
      subject.id = await api.createContainer(subject.name, subject.image);
    },
    shown: inState('created'),
  },
  { name: 'start', event: 'start', perform: post('start'), shown: inState('running') },
  { name: 'pause', event: 'pause', perform: post('pause'), shown: inState('paused') },
  { name: 'unpause', silent: true, event: 'unpause', perform: post('unpause'), shown: inState('running') },
  {
    name: 'rename',
    event: 'rename',
    perform: (api, subject) => {
      subject.name = `${subject.name}-renamed`;
      return post('rename', `?name=${subject.name}`)(api, subject);
    },
    shown: inState('running'),
  },
  // The engine announces the end of a container with `die`; its `stop` follows.
  { name: 'stop', event: 'die', perform: post('stop'), shown: inState('exited') },
  {
    name: 'remove',
    event: 'destroy',
    perform: (api, { id }) => api.call('DELETE', `/containers/${id}`),
    shown: (seen, subject) => seen.id === subject.id && seen.what === 'left',
  },
];

export const measured: string[] = life.filter((operation) => !operation.silent).map(({ name }) => name);
