import { goPeer, speaks } from '../../harness/go-peer.ts';
import { loopsOf } from '../../harness/work.ts';

export default goPeer({
  name: 'gnet-v2-example',
  title: 'gnet v2 for Go, as its HTTP example',
  works: ['http-plaintext'],
  module: 'github.com/panjf2000/gnet/v2',
  tags: 'poll_opt,gc_opt',
  args: (work, endpoint) => [
    speaks(work),
    endpoint.protocol === 'unix' ? endpoint.path : `tcp://127.0.0.1:${endpoint.port}`,
    `${loopsOf(work)}`,
  ],
});
