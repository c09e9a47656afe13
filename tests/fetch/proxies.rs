//! Proxies, as the environment names them.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;

use crate::command::fetch_where;
use crate::servers::{Reply, read_path, serve};

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

#[test]
fn a_proxy_that_cannot_be_used_is_not_gone_around() {
    let server = serve(|_| panic!("it was gone around"));
    for (value, why) in [
        ("socks5://127.0.0.1:1", "the proxy in http_proxy speaks SOCKS, which this program does not"),
        ("socks4a://127.0.0.1:1", "the proxy in http_proxy speaks SOCKS, which this program does not"),
        ("gopher://127.0.0.1:1", "what is in http_proxy names no proxy"),
        ("http://127.0.0.1:99999", "what is in http_proxy names no proxy"),
    ] {
        let run = fetch_where("http_proxy", value, &[&server.url("/")]);
        assert_eq!((run.code(), run.stderr()), (2, format!("fetch: {why}\n")));
    }
    let server = serve(Reply::ok);
    assert_eq!(fetch_where("http_proxy", "", &[&server.url("/")]).code(), 0);
}
