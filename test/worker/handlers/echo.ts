/** Answers with what comes. */
import type { EventHandler } from 'gnet';

const handler: EventHandler = { react: (frame) => frame };

export default handler;
