/** Binds a Unix path and does not listen, as every server is for a moment; until it is killed. */
import { bindSocket, openSocket } from '../../../src/syscall/socket.ts';
import { constants } from '../../../src/syscall/tables.ts';

const socket = openSocket(constants.AF_UNIX, constants.SOCK_STREAM);
const result = bindSocket(socket, process.argv[2] ?? '');
console.log(result === 0 ? 'bound' : `errno ${-result}`);
setInterval(() => {}, 1_000);
