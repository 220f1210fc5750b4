import { GnetError } from '../index.ts';

/** `publish` was called after `close()`. */
export class ErrTopicsClosed extends GnetError {
  constructor(topic: string) {
    super(
      'ErrTopicsClosed',
      `cannot publish to '${topic}': the topics are closed; publish before close()`,
    );
  }
}
