/**
 * Talks in a room of the chat, in a terminal.
 *
 *   npm run example examples/chat/talk.ts -- NAME ROOM [URL...]
 */
import { createInterface } from 'node:readline';
import { ChatClient } from './client.ts';

const [name = 'somebody', room = 'garden', ...urls] = process.argv.slice(2);
if (urls.length === 0) urls.push('ws://127.0.0.1:9000');
const client = new ChatClient(urls, name, room, {
  said: (message) => console.log(`${message.name}: ${message.text}`),
  here: (count) => console.log(`* ${count} in ${room}`),
  away: () => console.log('* away'),
});
const input = createInterface({ input: process.stdin });
input.on('line', (line) => {
  if (line !== '') client.say(line);
});
input.on('close', () => client.close());
