/** A gRPC server over connections of gnet, for a client in another process. Prints its port. */
import * as grpc from '@grpc/grpc-js';
import { attach } from 'gnet/stream';
import { talk } from './grpc-talk.ts';

const server = new grpc.Server();
server.addService(talk, {
  Say(call: grpc.ServerUnaryCall<string, string>, answer: grpc.sendUnaryData<string>) {
    if (call.request === 'fail') answer({ code: grpc.status.NOT_FOUND, details: 'nobody' });
    else answer(null, call.request);
  },
  Count(call: grpc.ServerWritableStream<string, string>) {
    for (let count = 0; count < Number(call.request); count++) call.write(`${count}`);
    call.end();
  },
  Chat(call: grpc.ServerDuplexStream<string, string>) {
    call.on('data', (text: string) => call.write(`${text}!`));
    call.on('end', () => call.end());
  },
});
const injector = server.createConnectionInjector(grpc.ServerCredentials.createInsecure());
const running = await attach(
  {
    emit(event: string, socket: never) {
      if (event === 'connection') injector.injectConnection(socket);
      return true;
    },
  },
  'tcp://127.0.0.1:0',
);
console.log(`listens on ${running.addr}`);
