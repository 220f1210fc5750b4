import { loadLate } from '../../platform/load-late.ts';

type RestartModule = typeof import('./restart.ts');

let loaded: RestartModule | null = null;

/** What restarts a program. The runtime takes milliseconds for an import, also for one that is done. */
export async function loadRestart(): Promise<RestartModule> {
  loaded ??= await loadLate(() => import('./restart.ts'), 'what restarts a program');
  return loaded;
}
