/** Frames of 8 bytes: a broadcast of anything else is refused. 'all' makes a loop broadcast its own. */
import { type EventHandler, FixedLengthFrameCodec, type LoopContext } from 'gnet';

export const codec = new FixedLengthFrameCodec(8);

export default ({ server }: LoopContext): EventHandler => ({
  async react(frame) {
    const view = await server;
    const given = String(frame).trim();
    const data = given === 'number' ? 42 : given;
    try {
      return `taken: ${await view.broadcast(data as string)}`.padEnd(8).slice(-8);
    } catch (error) {
      return (error as { code: string }).code.slice(0, 8);
    }
  },
});
