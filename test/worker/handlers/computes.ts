/** Computes for 60 ms with each frame. */
import type { EventHandler } from 'gnet';

function compute(): void {
  const end = performance.now() + 60;
  while (performance.now() < end);
}

export default (): EventHandler => ({
  react() {
    compute();
  },
});
