/** A process of clients: storms until its standard input ends, then says what came of it. */
import { Storm, type StormPlan } from './storm.ts';

const storm = new Storm(JSON.parse(process.argv[2] as string) as StormPlan);
process.stdin.resume();
process.stdin.on('end', () => {
  void storm.end().then((counts) => {
    process.stdout.write(`${JSON.stringify(counts)}\n`, () => process.exit(0));
  });
});
