//! A client and a server of rustls that speak with the servers and clients here.
//!
//!     rustls-peer client ADDRESS CA 1.2|1.3 RECORD_BYTES [CERT KEY]
//!     rustls-peer server CERT KEY CA RECORD_BYTES

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
};

const PIECE: usize = 10_000;
const PIECES: usize = 10;
/// What a record has beyond its plaintext: `max_fragment_size` counts it.
const OVERHEAD: usize = 5;

fn chain(path: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_file_iter(path).unwrap().map(Result::unwrap).collect()
}

fn roots(path: &str) -> Arc<RootCertStore> {
    let mut store = RootCertStore::empty();
    for certificate in chain(path) {
        store.add(certificate).unwrap();
    }
    Arc::new(store)
}

fn client(args: &[String]) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let is_old = args[2] == "1.2";
    let versions = if is_old { vec![&TLS12] } else { vec![&TLS13] };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions)
        .unwrap()
        .with_root_certificates(roots(&args[1]));
    let mut config = match args.get(4) {
        Some(cert) => {
            let key = PrivateKeyDer::from_pem_file(&args[5]).unwrap();
            builder.with_client_auth_cert(chain(cert), key).unwrap()
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"none".to_vec(), b"echo".to_vec()];
    config.max_fragment_size = Some(args[3].parse::<usize>().unwrap() + OVERHEAD);
    let config = Arc::new(config);
    for _round in 0..2 {
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(config.clone(), name).unwrap();
        let mut stream = StreamOwned::new(connection, TcpStream::connect(&args[0]).unwrap());
        let mut equal = true;
        for index in 0..PIECES {
            let data = vec![index as u8; PIECE];
            stream.write_all(&data).unwrap();
            let mut got = vec![0; PIECE];
            stream.read_exact(&mut got).unwrap();
            equal = equal && got == data;
            if !is_old {
                stream.conn.refresh_traffic_keys().unwrap();
            }
        }
        let protocol = stream.conn.alpn_protocol().unwrap_or(b"-").to_vec();
        println!(
            "{:?} {} {:?} {}",
            stream.conn.protocol_version().unwrap(),
            equal,
            stream.conn.handshake_kind().unwrap(),
            String::from_utf8(protocol).unwrap()
        );
        stream.conn.send_close_notify();
        stream.flush().unwrap();
        // An end without close_notify is an error here.
        let rest = stream.read(&mut [0; 1]).unwrap();
        assert_eq!(rest, 0);
    }
}

fn echo(mut stream: StreamOwned<ServerConnection, TcpStream>) -> std::io::Result<()> {
    let mut buffer = [0; 16_384];
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            stream.conn.send_close_notify();
            return stream.flush();
        }
        stream.write_all(&buffer[..count])?;
    }
}

fn server(args: &[String]) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots(&args[2]), provider.clone())
        .allow_unauthenticated()
        .build()
        .unwrap();
    let key = PrivateKeyDer::from_pem_file(&args[1]).unwrap();
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS12, &TLS13])
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain(&args[0]), key)
        .unwrap();
    config.alpn_protocols = vec![b"echo".to_vec()];
    config.max_fragment_size = Some(args[3].parse::<usize>().unwrap() + OVERHEAD);
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("{}", listener.local_addr().unwrap());
    for socket in listener.incoming() {
        let connection = ServerConnection::new(config.clone()).unwrap();
        let stream = StreamOwned::new(connection, socket.unwrap());
        std::thread::spawn(move || echo(stream));
    }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args[0].as_str() {
        "client" => client(&args[1..]),
        _ => server(&args[1..]),
    }
}
