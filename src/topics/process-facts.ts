/** What tells this process from all others, everywhere, and is the same in each of its threads. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** Where fields of /proc/self/stat stand behind the program's name: proc(5) counts from 1, the name is 2. */
const startTime = 22 - 3;
const startOfStack = 28 - 3;

function startOfProcess(): string {
  try {
    const stat = readFileSync('/proc/self/stat', 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const pid = stat.slice(0, stat.indexOf(' '));
    return [pid, fields[startTime], fields[startOfStack]].join('/');
  } catch {
    // No Linux, or not for this program.
    return `${hostname()}/${process.pid}`;
  }
}

function startOfMachine(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

/**
 * Containers often have one host name and pid 1 in common. When the process began, where the kernel put
 * its stack at random, and which boot of the machine it is, they do not. A random number would have to
 * be agreed upon by threads that may begin at any time. Elsewhere than on Linux: host and pid.
 */
export const processFacts = `${startOfMachine()}/${startOfProcess()}`;
