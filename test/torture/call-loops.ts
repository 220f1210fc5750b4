/** What the loops of the lab run where there are several: closes are told to the channel of the query. */
import { handlerOf } from './call-life.ts';

const channel = new BroadcastChannel(new URL(import.meta.url).searchParams.get('channel') ?? '');
(channel as unknown as { unref(): void }).unref();

export default handlerOf((code) => channel.postMessage(code));
