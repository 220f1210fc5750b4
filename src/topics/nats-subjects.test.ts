import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isWildSubject, subjectOf, subjectsOf, topicOf } from './nats-subjects.ts';

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

test('wildcards of a filter, and no characters of a topic, make a subject stand for several', () => {
  const areWild = (filter: string) => subjectsOf('p.', filter).map(isWildSubject);
  assert.deepEqual(['a/b', 'a.*>/c', 'a/+', 'a/#'].map(areWild), [
    [false],
    [false],
    [true],
    [false, true],
  ]);
});
