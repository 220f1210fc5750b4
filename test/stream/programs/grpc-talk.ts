import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';

function method(
  name: string,
  requestStream: boolean,
  responseStream: boolean,
): MethodDefinition<string, string> {
  const bytesOf = (text: string): Buffer => Buffer.from(text);
  return {
    path: `/test.Talk/${name}`,
    requestStream,
    responseStream,
    requestSerialize: bytesOf,
    requestDeserialize: String,
    responseSerialize: bytesOf,
    responseDeserialize: String,
  };
}

/** A service of texts, with every kind of call that the server answers in its own way. */
export const talk: ServiceDefinition = {
  Say: method('Say', false, false),
  Count: method('Count', false, true),
  Chat: method('Chat', true, true),
};
