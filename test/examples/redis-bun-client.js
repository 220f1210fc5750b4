/** A round with Bun's own client and its defaults: `bun redis-bun-client.js PORT < STEPS`. */
const { RedisClient } = globalThis.Bun;
const steps = JSON.parse(await globalThis.Bun.stdin.text());
const url = `redis://127.0.0.1:${process.argv[2]}`;
const client = new RedisClient(url);
for (const [[name, ...parameters], expected] of steps) {
  const answer = await client.send(name, parameters);
  if (JSON.stringify(answer) === JSON.stringify(expected)) continue;
  console.error(`${name}: ${JSON.stringify(answer)} instead of ${JSON.stringify(expected)}`);
  process.exit(1);
}
const listener = new RedisClient(url);
const heard = new Promise((resolve) => {
  void listener.subscribe('news', resolve);
});
while ((await client.publish('news', 'hello')) === 0) await new Promise(setImmediate);
if ((await heard) !== 'hello') throw new Error('it heard something else');
listener.close();
client.close();
console.log(`${steps.length} steps passed`);
