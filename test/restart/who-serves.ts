import { RawClient } from 'gnet/testing';
import { text } from '../support/rig.ts';

/** The process that answers, over a new connection. */
export async function whoServes(address: string): Promise<number> {
  const client = await RawClient.connect(address);
  client.write('who');
  let answer = '';
  while (!answer.endsWith('\n')) answer += text(await client.readExactly(1));
  client.destroy();
  return Number.parseInt(answer, 10);
}
