// A client of reqwest, against the server of test/http/judges.test.ts.
use reqwest::blocking::{Body, Client, Response};
use std::io::Cursor;

fn text(answer: reqwest::Result<Response>) -> String {
    answer.expect("an answer").text().expect("a body")
}

pub fn client(url: &str) {
    let client = Client::new();
    let of = |path: &str| format!("{url}{path}");
    for _ in 0..3 {
        assert_eq!(text(client.get(of("/text")).send()), "hello");
    }
    let head = client.head(of("/text")).send().expect("a head");
    assert_eq!(head.headers()["content-length"], "5");
    let body = b"a body that repeats itself\n".repeat(20_000);
    let known = client.post(of("/echo")).body(body.clone()).send().expect("an echo");
    assert!(known.bytes().expect("a body") == body);
    let chunked = Body::new(Cursor::new(body.clone()));
    let echo = client.post(of("/echo")).body(chunked).send().expect("an echo");
    assert_eq!(echo.headers()["transfer-encoding"], "chunked");
    assert!(echo.bytes().expect("a body") == body);
    assert_eq!(text(client.get(of("/stream")).send()), "0123456789");
    assert_eq!(client.get(of("/nothing")).send().expect("an answer").status(), 404);
}
