/**
 * Runs the cells of one driver in a process of its own, because the seam must be there before any
 * file looks its calls up. Prints a line of JSON for each cell.
 *
 *     node --import testing/failing-calls.ts call-process.ts DRIVER short | all LOOPS [errno]
 */
import { type Cell, nameOf, onceFaults } from './call-cells.ts';
import { CallLab } from './calls.ts';

const [driver, which, loops, errno = ''] = process.argv.slice(2) as [
  'epoll' | 'io_uring',
  string,
  string,
  string?,
];

const lab = new CallLab(driver, Number(loops));
const cells = await lab.cells();
const chosen = which === 'all' ? cells : shortList(cells);
for (const cell of chosen.filter((one) => nameOf(one).includes(errno))) {
  const { wrong, failed } = await lab.run(cell);
  console.log(JSON.stringify({ name: nameOf(cell), wrong, failed }));
}
lab.close();

/** One of each call, and what was a fault once. */
function shortList(all: readonly Cell[]): readonly Cell[] {
  const seen = new Set<string>();
  return all.filter((cell) => {
    const { call, lasting, phase } = cell;
    if (onceFaults.has(nameOf(cell))) return true;
    if (lasting || phase === 'end' || seen.has(call)) return false;
    seen.add(call);
    return true;
  });
}
