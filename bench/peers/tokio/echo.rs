//! An echo server over tokio: one thread, as its documentation advises for one core.
//!
//! usage: echo tcp PORT | echo unix PATH | echo udp PORT | echo tls PORT CERT KEY

use std::io;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, UdpSocket, UnixListener};
use tokio_rustls::TlsAcceptor;

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
        // What rustls has kept back would wait for the next message.
        stream.flush().await?;
    }
}

fn listen(port: &str) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(format!("127.0.0.1:{port}").parse().expect("a port"))?;
    socket.listen(BACKLOG)
}

async fn serve_tcp(port: &str) -> io::Result<()> {
    let listener = listen(port)?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(echo(stream));
    }
}

/// Sessions are resumed by tickets, as the other servers do it.
fn tls_settings(cert: &str, key: &str) -> ServerConfig {
    let chain = CertificateDer::pem_file_iter(cert).expect("a file").map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(key).expect("a key");
    let mut settings = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a certificate and its key");
    settings.ticketer = rustls::crypto::ring::Ticketer::new().expect("keys for tickets");
    settings
}

async fn serve_tls(port: &str, cert: &str, key: &str) -> io::Result<()> {
    let acceptor = TlsAcceptor::from(Arc::new(tls_settings(cert, key)));
    let listener = listen(port)?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let acceptor = acceptor.clone();
        tokio::spawn(async move { echo(acceptor.accept(stream).await?).await });
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
        [_, "tls", port, cert, key] => runtime.block_on(serve_tls(port, cert, key)),
        [_, "unix", path] => runtime.block_on(serve_unix(path)),
        [_, "udp", port] => runtime.block_on(serve_udp(port)),
        _ => {
            eprintln!("usage: echo tcp PORT | unix PATH | udp PORT | tls PORT CERT KEY");
            std::process::exit(2)
        }
    }
}
