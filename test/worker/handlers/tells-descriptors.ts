/** Answers with the descriptor of the connection. */
import type { EventHandler } from 'gnet';

const handler: EventHandler = { react: (_, c) => `${c.fd}\n` };

export default handler;
