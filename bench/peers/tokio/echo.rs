//! An echo server over tokio: one thread, as its documentation advises for one core.
//!
//! usage: echo tcp PORT | echo unix PATH | echo udp PORT

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, UdpSocket, UnixListener};

const BUFFER_BYTES: usize = 65_536;
const BACKLOG: u32 = 4_096;

async fn echo<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let length = stream.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..length]).await?;
    }
}

async fn serve_tcp(port: &str) -> io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(format!("127.0.0.1:{port}").parse().expect("a port"))?;
    let listener = socket.listen(BACKLOG)?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(echo(stream));
    }
}

async fn serve_unix(path: &str) -> io::Result<()> {
    let listener = UnixListener::bind(path)?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(echo(stream));
    }
}

async fn serve_udp(port: &str) -> io::Result<()> {
    let socket = UdpSocket::bind(format!("127.0.0.1:{port}")).await?;
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let (length, peer) = socket.recv_from(&mut buffer).await?;
        socket.send_to(&buffer[..length], peer).await?;
    }
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [_, "tcp", port] => runtime.block_on(serve_tcp(port)),
        [_, "unix", path] => runtime.block_on(serve_unix(path)),
        [_, "udp", port] => runtime.block_on(serve_udp(port)),
        _ => {
            eprintln!("usage: echo tcp PORT | echo unix PATH | echo udp PORT");
            std::process::exit(2)
        }
    }
}
