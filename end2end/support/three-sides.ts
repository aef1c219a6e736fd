// Comparison of the page, the server and the engine.
import type { Page } from '@playwright/test';
import { askJson } from './http';
import { badge, countOf, type Kind } from './page';
import type { Server } from './server';
import type { Simulator, Truth } from './simulator';

export const kinds: Kind[] = ['container', 'image', 'volume', 'network'];

/** By id: the compared facts as text. */
type Facts = Record<string, string>;
type Side = Record<Kind, Facts>;

/**
 * Differences between the three, one line per object; none when they agree. Asks the server directly, and reads from the page
 * the rows of the kind it shows and the counts of the other kinds.
 */
export async function differences(page: Page, shown: Kind, server: Server, engine: Simulator): Promise<string[]> {
  const [truth, state, rows] = await Promise.all([engine.truth(), askJson(`${server.url}/api/state`), rowsOf(page, shown)]);
  const [engineHas, serverHas] = [ofTruth(truth), ofState(state.data)];
  const lines = [await connection(page), ...state.data.hosts.map(unreached), ...state.data.containers.map(uninspected)].filter(
    (line) => line !== null,
  );
  for (const kind of kinds) {
    const [there, here] = [engineHas[kind], serverHas[kind]];
    const onPage = kind === shown ? rows.facts : null;
    for (const id of new Set([here, there, onPage ?? {}].flatMap(Object.keys))) {
      const said = [onPage === null ? there[id] : onPage[id], here[id], there[id]];
      if (said.every((one) => one === there[id])) continue;
      const [page, server, engine] = said.map((one) => one ?? 'nothing');
      lines.push(`${kind} ${id.slice(0, 20)}: ${onPage === null ? '' : `page ${page}, `}server ${server}, engine ${engine}`);
    }
    if (kind === shown) continue;
    const [counted, real] = [await countOf(page, `${kind}s`), Object.keys(there).length];
    if (counted !== real) lines.push(`${kind}s: the page counts ${counted}, the engine has ${real}`);
  }
  return [...lines, ...rows.twice.map((id) => `${shown} ${id.slice(0, 20)}: twice on the page`)];
}

function ofTruth({ containers, images, volumes, networks }: Truth): Side {
  return {
    container: facts(containers, ({ name, state, health }) => words(name, state, health)),
    image: facts(images, ({ tags }) => words(...tags.toSorted())),
    volume: facts(volumes.map((name) => ({ id: name })), () => 'there'),
    network: facts(networks, ({ name }) => name),
  };
}

/** `data` of an `engine_state_update`. */
function ofState({ containers, images, volumes, networks }: any): Side {
  return ofTruth({ containers, images, volumes: volumes.map(({ id }: { id: string }) => id), networks } as Truth);
}

async function rowsOf(page: Page, kind: Kind): Promise<{ facts: Facts; twice: string[] }> {
  // One evaluation: rows could change between finding and reading them.
  const rows = await page.evaluate(
    (found) =>
      [...document.querySelectorAll(found)].map((row) => ({
        id: row.getAttribute('data-id') ?? '',
        name: row.getAttribute('data-name') ?? '',
        state: row.getAttribute('data-state') ?? '',
        health: row.getAttribute('data-health'),
        // All tags: `data-name` is only the first one.
        title: row.querySelector('[role="rowheader"]')?.getAttribute('title') ?? '',
      })),
    `[data-entity="${kind}"]`,
  );
  const said = (row: (typeof rows)[number]): string => {
    if (kind === 'container') return words(row.name, row.state, row.health);
    if (kind === 'image') return words(...row.title.split(', ').filter((tag) => tag !== 'no tag').toSorted());
    return kind === 'volume' ? 'there' : row.name;
  };
  const ids = rows.map(({ id }) => id);
  return { facts: facts(rows, said), twice: ids.filter((id, at) => ids.indexOf(id) !== at) };
}

function facts<T extends { id: string }>(list: T[], said: (one: T) => string): Facts {
  return Object.fromEntries(list.map((one) => [one.id, said(one)]));
}

const words = (...all: (string | null)[]): string => `'${all.filter((word) => word !== null).join(' ')}'`;

async function connection(page: Page): Promise<string | null> {
  const said = await badge(page).getAttribute('data-connection');
  return said === 'live' || said === 'polling' ? null : `the page is not live but ${said}`;
}

const unreached = ({ id, status, error }: { id: string; status: string; error: string | null }): string | null =>
  status === 'reachable' ? null : `the server says that ${id} is ${status}: ${error}`;

/** A guarantee of the server: details that only an inspect returns follow shortly after the list. */
const uninspected = ({ id, name, state, restart_count }: { id: string; name: string; state: string; restart_count: number | null }) =>
  restart_count === null ? `container ${id.slice(0, 20)}: the server has never inspected ${name}, which is ${state}` : null;
