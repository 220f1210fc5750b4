// A peer of tungstenite: `server` echoes, `client URL` asks an echo server. `http URL` is a client of reqwest.
mod http;

use std::net::{TcpListener, TcpStream};
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tungstenite::{Error, Message, WebSocket};

fn config() -> WebSocketConfig {
    WebSocketConfig::default().max_frame_size(None).max_message_size(None)
}

fn echo(stream: TcpStream) {
    let mut socket: WebSocket<TcpStream> =
        tungstenite::accept_with_config(stream, Some(config())).expect("a handshake");
    loop {
        match socket.read() {
            Ok(message @ (Message::Text(_) | Message::Binary(_))) => {
                socket.send(message).expect("it is sent")
            }
            Ok(_) => {}
            Err(Error::ConnectionClosed) => return,
            Err(error) => panic!("{error}"),
        }
    }
}

fn server() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    println!("listens on {}", listener.local_addr().unwrap());
    for stream in listener.incoming() {
        std::thread::spawn(move || echo(stream.expect("a stream")));
    }
}

fn client(url: &str) {
    let address = url.trim_start_matches("ws://").split('/').next().unwrap();
    let stream = TcpStream::connect(address).expect("a connection");
    let (mut socket, _) =
        tungstenite::client::client_with_config(url, stream, Some(config())).expect("a handshake");
    for length in [0, 1, 125, 126, 5_000, 65_535, 65_536, 1_000_000] {
        let text = Message::text("é".repeat(length / 2));
        let binary = Message::binary(vec![0xff; length]);
        for message in [text, binary] {
            socket.send(message.clone()).expect("it is sent");
            assert!(socket.read().expect("an echo") == message);
        }
    }
    socket.send(Message::Ping("ping".into())).expect("a ping");
    assert!(socket.read().expect("a pong") == Message::Pong("ping".into()));
    let goodbye = CloseFrame { code: CloseCode::Library(4321), reason: "enough".into() };
    socket.close(Some(goodbye)).expect("a goodbye");
    let Message::Close(Some(answer)) = socket.read().expect("its answer") else { panic!("no code") };
    assert_eq!(u16::from(answer.code), 4321);
    assert!(matches!(socket.read(), Err(Error::ConnectionClosed)));
}

fn main() {
    let words: Vec<String> = std::env::args().collect();
    match words[1].as_str() {
        "server" => server(),
        "client" => client(&words[2]),
        _ => http::client(&words[2]),
    }
}
