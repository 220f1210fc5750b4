package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
)

func httpClient(url string) {
	body := strings.Repeat("a body that repeats itself\n", 20_000)
	read := func(answer *http.Response, err error) string {
		fail(err)
		defer answer.Body.Close()
		all, err := io.ReadAll(answer.Body)
		fail(err)
		return string(all)
	}
	for i := 0; i < 3; i++ {
		check(read(http.Get(url+"/text")) == "hello", "no hello")
	}
	head, err := http.Head(url + "/text")
	fail(err)
	check(head.ContentLength == 5, "the length of HEAD is %d", head.ContentLength)
	check(read(http.Post(url+"/echo", "text/plain", strings.NewReader(body))) == body, "no echo")
	// Without a length: in chunks, and with trailers behind them.
	pieces := struct{ io.Reader }{strings.NewReader(body)}
	request, err := http.NewRequest("POST", url+"/echo", pieces)
	fail(err)
	request.Header.Set("Expect", "100-continue")
	request.Trailer = http.Header{"Checksum": {"1"}}
	check(read(http.DefaultClient.Do(request)) == body, "no echo of chunks")
	check(read(http.Get(url+"/stream")) == "0123456789", "no stream")
	// Who leaves in the middle of an answer.
	ctx, leave := context.WithCancel(context.Background())
	request, err = http.NewRequestWithContext(ctx, "GET", url+"/stream", nil)
	fail(err)
	answer, err := http.DefaultClient.Do(request)
	fail(err)
	leave()
	_, err = io.ReadAll(answer.Body)
	check(err == nil || errors.Is(err, context.Canceled), "left with %v", err)
	missing, err := http.Get(url + "/nothing")
	fail(err)
	check(missing.StatusCode == 404, "the status is %d", missing.StatusCode)
}
