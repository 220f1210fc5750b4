/** The spans of frames, with the tracer of OpenTelemetry's SDK. */
import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { LineBasedFrameCodec } from 'gnet/codec';
import { expectFrames, simulate } from 'gnet/testing';
import { FrameContexts, traceFrames } from './spans.ts';

const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const contexts = new FrameContexts();
context.setGlobalContextManager(contexts);
const tracer = provider.getTracer('test');
const stop = traceFrames(tracer, contexts);
after(stop);
beforeEach(() => exporter.reset());

const codec = new LineBasedFrameCodec();

test('each frame is a span, and what the handler starts is its child', async () => {
  const { connect, close } = await simulate(
    {
      async react(line) {
        const text = String(line);
        await Promise.resolve();
        return tracer.startActiveSpan('work', (span) => {
          span.end();
          return text;
        });
      },
    },
    { codec },
  );
  const ann = await connect();
  ann.write('one\nthree\n');
  await expectFrames(ann, ['one', 'three']);
  await close();
  const spans = exporter.getFinishedSpans();
  assert.deepEqual(
    spans.map(({ name }) => name),
    ['work', 'react', 'work', 'react'],
  );
  const [work, react, , second] = spans;
  assert.equal(work?.parentSpanContext?.spanId, react?.spanContext().spanId);
  assert.equal(react?.parentSpanContext, undefined);
  assert.notEqual(second?.spanContext().traceId, react?.spanContext().traceId);
  assert.equal(react?.attributes['gnet.frame.bytes'], 3);
  assert.equal(react?.attributes['network.peer.address'], ann.localAddress);
});

test('what a handler throws is in its span', async () => {
  const { connect, close } = await simulate(
    {
      react() {
        assert.ok(trace.getActiveSpan() !== undefined);
        throw new RangeError('thrown');
      },
    },
    { codec, logLevel: 'fatal' },
  );
  const ann = await connect();
  ann.write('one\n');
  await ann.untilClosed();
  await close();
  const [span] = exporter.getFinishedSpans();
  assert.equal(span?.status.code, SpanStatusCode.ERROR);
  assert.match(span?.status.message ?? '', /thrown/);
  assert.equal(span?.events[0]?.name, 'exception');
});
