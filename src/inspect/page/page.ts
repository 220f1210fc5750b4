/** The page that gnet/inspect serves: it listens to snapshots and shows them. */
import type { SnapshotData } from './data.ts';
import { change, listen, Refused, useToken } from './api.ts';
import { ConnectionTable } from './connections.ts';
import { showCounters } from './counters.ts';
import { byId, make, setText } from './dom.ts';
import { showHistograms } from './histograms.ts';
import { Overview, showPlots } from './overview.ts';

const tokenKey = 'gnet-inspect-token';
const retryMs = 1_500;

const table = new ConnectionTable();
const overview = new Overview();
const main = document.querySelector('main') as HTMLElement;
const servers = byId<HTMLSelectElement>('server');
const level = byId<HTMLSelectElement>('level');
let last: SnapshotData | null = null;

function setStatus(state: 'waiting' | 'live' | 'lost', text: string): void {
  const status = byId('status');
  status.dataset['state'] = state;
  setText(status, text);
}

function chosen(): number {
  return Math.max(0, servers.selectedIndex);
}

function showServers(snapshot: SnapshotData): void {
  const names = snapshot.servers.map(({ name }) => name);
  if (names.join() !== [...servers.options].map(({ text }) => text).join()) {
    const at = chosen();
    servers.replaceChildren(...names.map((name) => make('option', {}, name)));
    servers.selectedIndex = Math.min(at, names.length - 1);
  }
  byId('server-choice').hidden = names.length < 2;
}

function showLevel(snapshot: SnapshotData): void {
  const { logLevel } = snapshot.servers[chosen()] ?? {};
  byId('level-choice').hidden = typeof logLevel !== 'string';
  level.disabled = snapshot.readOnly;
  if (typeof logLevel === 'string' && document.activeElement !== level) level.value = logLevel;
}

function show(snapshot: SnapshotData): void {
  last = snapshot;
  main.hidden = false;
  byId('login').hidden = true;
  setStatus('live', 'live');
  showServers(snapshot);
  showLevel(snapshot);
  const server = snapshot.servers[chosen()];
  if (server === undefined) return;
  document.title = `${server.name} – gnet inspect`;
  overview.show(snapshot, server);
  showHistograms(server);
  showCounters(server);
  table.readOnly = snapshot.readOnly;
  table.isOn = true;
}

async function follow(): Promise<void> {
  for (;;) {
    try {
      await listen(show);
    } catch (error) {
      if (error instanceof Refused) {
        askForToken(sessionStorage.getItem(tokenKey) !== null);
        return;
      }
    }
    table.isOn = false;
    setStatus('lost', 'not connected');
    await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
}

function askForToken(wasWrong: boolean): void {
  sessionStorage.removeItem(tokenKey);
  table.isOn = false;
  main.hidden = true;
  byId('login').hidden = false;
  setStatus(wasWrong ? 'lost' : 'waiting', wasWrong ? 'this token is not right' : 'needs a token');
}

function begin(token: string): void {
  sessionStorage.setItem(tokenKey, token);
  useToken(token);
  void follow();
}

byId('login').addEventListener('submit', (event) => {
  event.preventDefault();
  begin(byId<HTMLInputElement>('token').value.trim());
});
servers.addEventListener('change', () => {
  table.show(chosen());
  if (last !== null) show(last);
});
level.addEventListener('change', () => {
  level.blur();
  change('log-level', { server: chosen(), level: level.value }).catch((error: unknown) => {
    setText(byId('list-note'), String(error));
  });
});

showPlots();
// It must not stay in the address, which is copied and remembered.
const given = new URLSearchParams(location.hash.slice(1)).get('token');
if (given !== null) history.replaceState(null, '', location.pathname);
const token = given ?? sessionStorage.getItem(tokenKey);
if (token === null) askForToken(false);
else begin(token);
