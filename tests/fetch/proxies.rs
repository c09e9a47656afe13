//! Proxies, as the environment names them.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;

use crate::command::fetch_where;
use crate::servers::read_path;

/// Calls `answer` with each connection.
fn proxy(answer: fn(TcpStream)) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || listener.incoming().for_each(|stream| answer(stream.unwrap())));
    addr
}

/// Makes a connection as asked, and is at its other end itself: what is asked for there is the body.
fn connect_and_echo(mut stream: TcpStream) {
    let target = read_path(&mut stream).unwrap();
    assert_eq!(target, "does-not-exist.invalid:80");
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
    let path = read_path(&mut stream).unwrap();
    let length = path.len();
    write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{path}").unwrap();
}

#[test]
fn a_proxy_looks_the_host_up() {
    let proxy = format!("http://{}", proxy(connect_and_echo));
    for name in ["http_proxy", "HTTPS_PROXY", "all_proxy"] {
        let run = fetch_where(name, &proxy, &["--json", "http://does-not-exist.invalid/a/b"]);
        assert_eq!(run.code(), 0, "{}", run.stderr());
        assert_eq!(run.json().0[0]["bytes"], "/a/b".len());
    }
}

#[test]
fn while_a_proxy_makes_no_connection_there_is_none() {
    let proxy = format!("http://{}", proxy(|mut stream| drop(stream.read_to_end(&mut Vec::new()))));
    for url in ["http://a.invalid/", "https://a.invalid/"] {
        let run = fetch_where("http_proxy", &proxy, &["--json", "--timeout", "0.3", url]);
        assert_eq!(run.code(), 1);
        assert!(run.stderr().ends_with("0.3 s were over while connecting\n"), "{}", run.stderr());
        assert!(run.json().0[0]["connected_ms"].is_null());
    }
}
