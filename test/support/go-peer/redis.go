package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/redis/go-redis/v9"
)

// Each line of the standard input is a command and its answer, as JSON: the command, and then text.
func redisClient(address string) {
	ctx := context.Background()
	for _, protocol := range []int{0, 2, 3} {
		client := redis.NewClient(&redis.Options{Addr: address, Protocol: protocol})
		steps := 0
		for _, step := range readSteps() {
			steps++
			answer, err := client.Do(ctx, step.Command...).Result()
			if err == redis.Nil {
				err, answer = nil, nil
			}
			fail(err)
			got := fmt.Sprint(answer)
			check(got == step.Expected, "%v: %s instead of %s", step.Command, got, step.Expected)
		}
		// Typed, pipelined, and heard.
		fail(client.HSet(ctx, "h", "f", "1", "g", "2").Err())
		all, err := client.HGetAll(ctx, "h").Result()
		fail(err)
		check(len(all) == 2 && all["g"] == "2", "HGETALL: %v", all)
		piped, err := client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
			pipe.Set(ctx, "p", "1", time.Hour)
			pipe.Get(ctx, "p")
			return nil
		})
		fail(err)
		check(piped[1].(*redis.StringCmd).Val() == "1", "a pipeline: %v", piped)
		listener := client.Subscribe(ctx, "news")
		_, err = listener.Receive(ctx)
		fail(err)
		fail(client.Publish(ctx, "news", "hello").Err())
		message := <-listener.Channel()
		check(message.Payload == "hello", "heard %v", message)
		fail(listener.Close())
		fail(client.FlushAll(ctx).Err())
		fail(client.Close())
		fmt.Println(steps, "steps passed")
	}
}

type step struct {
	Command  []any
	Expected string
}

var steps []step

func readSteps() []step {
	if steps == nil {
		fail(json.NewDecoder(os.Stdin).Decode(&steps))
	}
	return steps
}
