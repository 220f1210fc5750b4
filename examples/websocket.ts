/**
 * A chat: who connects by WebSocket hears what the others say. The page to try it with is on the same
 * port.
 *
 *   npm run example examples/websocket.ts -- --port 8080
 *
 * Then open http://127.0.0.1:8080/ in two windows.
 */
import { serveHttp } from 'gnet/http';
import { prepareMessage, upgrade, type WebSocketConn, type WebSocketHandler } from 'gnet/websocket';
import { announce, endWithReason, readFlags, serveOptions } from './lib/flags.ts';

interface Guest {
  readonly name: string;
}

const PAGE = `<!doctype html><meta charset="utf-8"><title>Chat</title>
<form><input autofocus size="60"> <button>Say</button></form><pre></pre>
<script>
const socket = new WebSocket(location.href.replace(/^http/, 'ws') + 'chat');
const input = document.querySelector('input');
const show = (text) => document.querySelector('pre').append(text + '\\n');
socket.onmessage = ({ data }) => show(data);
socket.onclose = ({ code, reason }) => show('-- closed: ' + code + ' ' + reason);
document.querySelector('form').onsubmit = () => (socket.send(input.value), (input.value = ''), false);
</script>
`;
const MESSAGE_MAX = 4 * 1024;

class Chat implements WebSocketHandler<Guest> {
  readonly #guests = new Set<WebSocketConn<Guest>>();

  open(ws: WebSocketConn<Guest>): void {
    this.#guests.add(ws);
    this.#tell(`${ws.data.name} has come; ${this.#guests.size} here`);
  }

  message(ws: WebSocketConn<Guest>, data: Buffer, isText: boolean): void {
    if (isText) this.#tell(`${ws.data.name}: ${data}`);
    else ws.close(1003, 'text, please');
  }

  close(ws: WebSocketConn<Guest>): void {
    this.#guests.delete(ws);
    this.#tell(`${ws.data.name} has gone`);
  }

  /** One encoding for all. Who does not keep up is left, rather than everybody waiting. */
  #tell(text: string): void {
    const message = prepareMessage(text);
    for (const guest of this.#guests) {
      if (guest.isOpen && !guest.send(message)) guest.terminate();
    }
  }
}

/** Another page must not speak in the name of whoever looks at it. */
function isOwnPage(request: Request): boolean {
  const origin = request.headers.get('origin');
  return origin === null || origin === new URL(request.url).origin;
}

const chat = new Chat();
let count = 0;
const flags = readFlags({ port: 8080 });
const server = await serveHttp(
  {
    fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === '/chat' && isOwnPage(request)) {
        const data = { name: `guest ${++count}` };
        return upgrade(request, chat, { data, maxMessageBytes: MESSAGE_MAX });
      }
      if (pathname !== '/') return new Response('There is nothing here.\n', { status: 404 });
      return new Response(PAGE, { headers: { 'content-type': 'text/html; charset=utf-8' } });
    },
  },
  `tcp://${flags.host}:${flags.port}`,
  // Who is silent is pinged; a limit on silence would end those who only listen.
  { ...serveOptions(flags), idleTimeout: 0 },
).catch(endWithReason);
announce(server, 'tcp');
