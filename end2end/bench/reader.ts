// Reference process: reads the engine's /events and does nothing else.
//
// Started with fork(); argv[2] is the engine's socket. Sends `{ready}`, then each event with the system time at which its
// bytes arrived. `{calibrate: true}` makes it compare its clocks again.
import { request } from 'node:http';
import { clockOffset, fineNow } from './clock';

export interface ReaderEvent {
  id: string;
  action: string;
  /** The engine's own time stamp and the time of receipt, in milliseconds of the system clock. */
  engineMs: number;
  seenMs: number;
}

export type FromReader = { event: ReaderEvent } | { ready: number } | { offset: number };

const send = (message: FromReader) => process.send!(message);
let offset = clockOffset();

process.on('message', () => {
  offset = clockOffset();
  send({ offset });
});
process.on('disconnect', () => process.exit());

const filters = encodeURIComponent(JSON.stringify({ type: ['container'] }));
request({ socketPath: process.argv[2]!, path: `/events?filters=${filters}`, headers: { host: 'engine' } }, (response) => {
  let rest = '';
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    const seenMs = fineNow() - offset;
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      if (line.trim() === '') continue;
      const { Actor, Action, timeNano } = JSON.parse(line);
      send({ event: { id: Actor.ID, action: Action, engineMs: timeNano / 1e6, seenMs } });
    }
  });
  response.on('end', () => process.exit(1));
  send({ ready: offset });
}).end();
