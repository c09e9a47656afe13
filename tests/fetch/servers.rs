//! Its servers: std's threads and sockets.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use socket2::{Domain, Socket, Type};

pub(crate) struct Reply {
    /// The status line from the code on, and headers.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// Keep the connection until the client closes it.
    pub(crate) hold: bool,
}

impl Reply {
    pub(crate) fn ok(body: &str) -> Self {
        let head = format!("200 OK\r\ncontent-length: {}", body.len());
        Reply { head, body: body.into(), hold: false }
    }
}

pub(crate) struct Server(SocketAddr);

impl Server {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.0)
    }

    pub(crate) fn urls(&self, count: usize) -> Vec<String> {
        (0..count).map(|i| self.url(&format!("/{i}"))).collect()
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.port()
    }
}

/// A thread a connection, a request a connection. It ends with the test process.
pub(crate) fn serve(reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Server {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    socket.listen(4_096).unwrap();
    let listener = TcpListener::from(socket);
    let addr = listener.local_addr().unwrap();
    let reply = Arc::new(reply);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, reply) = (stream.unwrap(), Arc::clone(&reply));
            thread::spawn(move || {
                let Some(path) = read_path(&mut stream) else { return };
                let Reply { head, body, hold } = reply(&path);
                let head = format!("HTTP/1.1 {head}\r\nconnection: close\r\n\r\n");
                let sent = stream.write_all(&[head.as_bytes(), &body].concat());
                if hold && sent.is_ok() {
                    let _ = stream.read(&mut [0]);
                }
            });
        }
    });
    Server(addr)
}

/// The path of a request, and its head read to the end.
pub(crate) fn read_path(stream: &mut impl Read) -> Option<String> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    lines.find(String::is_empty)?;
    Some(path)
}

pub(crate) struct Authority(pub(crate) CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }
}

/// Serves "secret" to so many connections, under a certificate for `name`.
pub(crate) fn serve_tls(authority: &Authority, name: &str, connections: usize) -> Server {
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &authority.0).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().take(connections) {
            // A client that trusts nobody breaks off: that is its affair.
            let _ = answer_tls(stream.unwrap(), Arc::clone(&config));
        }
    });
    Server(addr)
}

fn answer_tls(stream: TcpStream, config: Arc<ServerConfig>) -> std::io::Result<()> {
    let mut tls = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
    read_path(&mut tls);
    tls.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\nsecret")?;
    tls.conn.send_close_notify();
    tls.flush()
}
