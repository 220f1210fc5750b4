"""A round with redis-py and its defaults; prints what failed, or how many commands passed."""

import sys

import redis

client = redis.Redis(host="127.0.0.1", port=int(sys.argv[1]), decode_responses=True)
steps = [
    (lambda: client.ping(), True),
    (lambda: client.flushall(), True),
    (lambda: client.set("s", "1", ex=1000), True),
    (lambda: client.get("s"), "1"),
    (lambda: client.get("none"), None),
    (lambda: client.getset("s", "2"), "1"),
    (lambda: client.append("s", "3"), 2),
    (lambda: client.strlen("s"), 2),
    (lambda: client.incrby("s", 10), 33),
    (lambda: client.expire("s", 100, nx=True), True),
    (lambda: client.persist("s"), True),
    (lambda: client.type("s"), "string"),
    (lambda: client.mset({"a": "1", "b": "2"}), True),
    (lambda: client.mget("a", "none", "b"), ["1", None, "2"]),
    (lambda: client.rpush("l", "a", "b"), 2),
    (lambda: client.lpop("l", 2), ["a", "b"]),
    (lambda: client.lpop("l"), None),
    (lambda: client.hset("h", mapping={"f": "1", "g": "2"}), 2),
    (lambda: client.hgetall("h"), {"f": "1", "g": "2"}),
    (lambda: client.sadd("m", "x"), 1),
    (lambda: set(client.smembers("m")), {"x"}),
    (lambda: client.zadd("z", {"a": 1.5}), 1),
    (lambda: client.zscore("z", "a"), 1.5),
    (lambda: sorted(client.scan_iter()), ["a", "b", "h", "m", "s", "z"]),
    (lambda: client.config_get("databases"), {"databases": "16"}),
    (lambda: client.info()["redis_mode"], "standalone"),
    (lambda: client.client_id() > 0, True),
    (lambda: client.unlink("a", "b"), 2),
    (lambda: client.pipeline(transaction=False).set("p", "1").get("p").execute(), [True, "1"]),
]
for index, (step, expected) in enumerate(steps):
    answer = step()
    if answer != expected:
        print(f"step {index}: {answer!r} instead of {expected!r}")
        sys.exit(1)

listener = client.pubsub()
listener.subscribe("news")
listener.get_message(timeout=5)
client.publish("news", "hello")
message = listener.get_message(timeout=5)
if message is None or message["data"] != "hello":
    print(f"no message: {message!r}")
    sys.exit(1)
print(f"{len(steps)} steps passed")
