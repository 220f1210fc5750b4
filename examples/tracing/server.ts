/**
 * An echo whose frames are spans of OpenTelemetry, printed to the console.
 *
 *   npm run example examples/tracing/server.ts -- --port 9000
 *
 * Then, in another terminal:
 *
 *   echo hello | nc 127.0.0.1 9000
 */
import { context, trace } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  ConsoleSpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { serve } from 'gnet';
import { announce, endWithReason, readFlags, serveOptions } from '../lib/flags.ts';
import { FrameContexts, traceFrames } from './spans.ts';

// In production: an exporter to your collector, and a BatchSpanProcessor.
const provider = new BasicTracerProvider({
  spanProcessors: [new SimpleSpanProcessor(new ConsoleSpanExporter())],
});
const contexts = new FrameContexts();
context.setGlobalContextManager(contexts);
trace.setGlobalTracerProvider(provider);
const tracer = trace.getTracer('echo');
traceFrames(tracer, contexts);

const flags = readFlags({ port: 9000 });
const server = await serve(
  {
    react: (frame) =>
      tracer.startActiveSpan('copy', (span) => {
        const copy = Buffer.from(frame as Buffer);
        span.end();
        return copy;
      }),
  },
  `tcp://${flags.host}:${flags.port}`,
  serveOptions(flags),
).catch(endWithReason);
announce(server, 'tcp');
