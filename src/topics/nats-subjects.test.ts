import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FoundBefore, subjectOf, subjectsOf, topicOf } from './nats-subjects.ts';

test('every topic has a subject of its own, and comes back from it', () => {
  const topics = [
    'a',
    'a/b',
    'a.b',
    'a//b',
    '/a',
    'a/',
    '',
    '%',
    '%2E',
    'a*',
    '*',
    '>',
    'a b\t\r\nc',
    'é/日本',
  ];
  const subjects = topics.map((topic) => subjectOf('gnet.', topic));
  assert.equal(new Set(subjects).size, topics.length);
  for (const [index, subject] of subjects.entries()) {
    // As NATS has it: tokens between dots, none of them empty, no white space and no wildcard.
    assert.match(subject, /^gnet(\.[^.\s*>]+)+$/u);
    assert.equal(topicOf('gnet.', subject), topics[index]);
  }
});

test('a filter has the subjects of all topics that it matches', () => {
  assert.deepEqual(subjectsOf('p.', 'a/b'), ['p.a.b']);
  assert.deepEqual(subjectsOf('p.', '+/b/+'), ['p.*.b.*']);
  assert.deepEqual(subjectsOf('p.', 'a/+/#'), ['p.a.*', 'p.a.*.>']);
  assert.deepEqual(subjectsOf('p.', '#'), ['p.>']);
  assert.deepEqual(subjectsOf('p.', 'a.b/*'), ['p.a%2Eb.%2A']);
});

test('what others publish there and is no topic is left alone', () => {
  assert.equal(topicOf('p.', 'p.a.%E0%A4'), null);
});

test('what was found before is not looked for again, and not kept for ever', () => {
  let looked = 0;
  const lengths = new FoundBefore((text) => {
    looked++;
    return text.length;
  });
  assert.deepEqual([lengths.of('a'), lengths.of('bb'), lengths.of('a')], [1, 2, 1]);
  assert.equal(looked, 2);
  for (let index = 0; index < 1_000; index++) lengths.of(`topic ${index}`);
  assert.equal(lengths.of('a'), 1);
  assert.equal(looked, 1_003);
});
