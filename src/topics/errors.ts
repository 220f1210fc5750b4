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

/** A topic or filter has too many levels, or is longer than the broker takes. */
export class ErrTopicTooLong extends GnetError {
  /** @param reason what is too long, and the limit. */
  constructor(topic: string, reason: string) {
    const begin = topic.length > 40 ? `${topic.slice(0, 40)}…` : topic;
    super('ErrTopicTooLong', `cannot use '${begin}': ${reason}`);
  }
}

/** A topic or filter whose first level is `$gnet`: loops tell one another there what they count. */
export class ErrTopicReserved extends GnetError {
  constructor(topic: string) {
    super('ErrTopicReserved', `cannot use '${topic}': $gnet is for gnet; use another first level`);
  }
}
