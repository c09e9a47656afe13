//! What a fetch can die of.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread;

use crate::command::{fails_with, fetch};
use crate::servers::{Authority, Reply, read_path, serve, serve_tls};
use crate::support::TempDir;
use socket2::{Domain, Socket, Type};

#[test]
fn a_refused_connection_is_told() {
    // Bound and not listening: refuses, and nobody else can take the port.
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    let addr = socket.local_addr().unwrap().as_socket().unwrap();
    fails_with(&[&format!("http://{addr}/")], "connection refused");
}

#[test]
fn an_unknown_host_is_told() {
    fails_with(&["http://does-not-exist.invalid/"], "unknown host");
}

#[test]
fn a_server_that_never_answers_times_out() {
    // The kernel completes connections in the queue, and no one accepts them.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let run = fails_with(&["--timeout", "0.3", &url], "timed out");
    assert!(run.stderr().contains("0.3 s were over while waiting for the answer"), "{}", run.stderr());
}

#[test]
fn a_body_that_stalls_times_out() {
    let server =
        serve(|_| Reply { head: "200 OK\r\ncontent-length: 10".into(), body: b"half".to_vec(), hold: true });
    let run = fails_with(&["--timeout", "0.3", &server.url("/")], "timed out");
    assert!(run.stderr().contains("0.3 s were over while receiving the body"), "{}", run.stderr());
}

#[test]
fn a_body_that_breaks_off_is_told() {
    let server =
        serve(|_| Reply { head: "200 OK\r\ncontent-length: 10".into(), body: b"half".to_vec(), hold: false });
    fails_with(&[&server.url("/")], "connection broken");
}

#[test]
fn an_answer_that_is_no_http_is_told() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        read_path(&mut stream);
        stream.write_all(b"220 mail.example ESMTP\r\n\r\n").unwrap();
    });
    fails_with(&[&url], "bad answer");
}

#[test]
fn a_head_without_end_is_told() {
    let server = serve(|path| Reply {
        head: format!("200 OK\r\ncontent-length: 0\r\nx-long: {}", "x".repeat(path[1..].parse().unwrap())),
        body: vec![],
        hold: false,
    });
    assert_eq!(fetch(&[&server.url("/20000")]).code(), 0);
    fails_with(&[&server.url("/200000")], "bad answer");
}

#[test]
fn an_error_status_is_a_failure() {
    let server =
        serve(|_| Reply { head: "404 Not Found\r\ncontent-length: 0".into(), body: vec![], hold: false });
    fails_with(&[&server.url("/gone")], "HTTP 404 Not Found");
}

#[test]
fn a_status_without_a_name_is_its_number() {
    let server = serve(|_| Reply { head: "599 Odd\r\ncontent-length: 0".into(), body: vec![], hold: false });
    let run = fails_with(&[&server.url("/")], "HTTP 599");
    assert!(run.stderr().ends_with(": HTTP 599\n"), "{:?}", run.stderr());
}

#[test]
fn a_redirect_without_end_is_told() {
    let server = serve(|_| Reply {
        head: "302 Found\r\nlocation: /again\r\ncontent-length: 0".into(),
        body: vec![],
        hold: false,
    });
    fails_with(&[&server.url("/")], "too many redirects");
}

#[test]
fn a_redirect_to_a_bad_url_is_told() {
    let server = serve(|path| {
        let location = match path {
            "/long" => format!("/{}", "x".repeat(5_000)),
            _ => "http://127.0.0.1:99999/".into(),
        };
        let head = format!("302 Found\r\nlocation: {location}\r\ncontent-length: 0");
        Reply { head, body: vec![], hold: false }
    });
    for (path, why) in [("/long", "it is longer than 3584 bytes"), ("/port", "its port is no port")] {
        let run = fails_with(&[&server.url(path)], "bad URL");
        assert!(run.stderr().ends_with(&format!(": of a redirect, {why}\n")), "{}", run.stderr());
    }
}

#[test]
fn a_bad_url_is_told() {
    for url in
        ["nonsense", "ftp://a/b", "http://", "http://a b/", "http://[::1", "http://a:99999/", "https:///x"]
    {
        fails_with(&[url], "bad URL");
    }
}

#[test]
fn a_url_without_a_host_is_told() {
    for url in ["http://", "https:///x"] {
        let run = fails_with(&[url], "bad URL");
        assert!(run.stderr().ends_with(": it names no host\n"), "{}", run.stderr());
    }
}

#[test]
fn a_url_that_is_too_long_for_a_request_is_told() {
    let server = serve(|_| Reply::ok("short"));
    let url_of = |length: usize| server.url(&format!("/{}", "x".repeat(length)));
    assert_eq!(fetch(&[&url_of(3_500)]).code(), 0);
    let run = fails_with(&[&url_of(5_000)], "bad URL");
    assert!(run.stderr().ends_with(": it is longer than 3584 bytes\n"), "{}", run.stderr());
}

#[test]
fn a_url_is_shown_on_one_line_and_gives_the_terminal_no_orders() {
    let run = fetch(&["http://a/\n\u{1b}[31m"]);
    assert_eq!(run.code(), 1);
    assert!(run.stderr().starts_with("fetch: http://a/\\n\\u{1b}[31m: bad URL: "), "{:?}", run.stderr());
    assert_eq!(run.stderr().lines().count(), 1, "{:?}", run.stderr());
    assert!(!run.stdout().contains('\u{1b}'), "{:?}", run.stdout());
}

#[test]
fn what_a_server_says_gives_the_terminal_no_orders_either() {
    let server = serve(|_| Reply {
        head: "302 Found\r\nlocation: /\u{9b}31m\r\ncontent-length: 0".into(),
        body: vec![],
        hold: false,
    });
    let run = fails_with(&[&server.url("/")], "bad answer");
    assert!(run.stderr().contains("/\\u{9b}31m"), "{:?}", run.stderr());
}

#[test]
fn failures_leave_the_other_fetches_alone() {
    let server = serve(Reply::ok);
    let good = server.url("/good");
    let run = fetch(&["--json", &good, "nonsense", "http://does-not-exist.invalid/", &good]);
    let (fetches, summary) = run.json();
    assert_eq!(run.code(), 1);
    let ok: Vec<_> = fetches.iter().map(|fetch| fetch["ok"].as_bool().unwrap()).collect();
    assert_eq!(ok, [true, false, false, true], "in the order asked for");
    assert_eq!(summary["causes"], serde_json::json!({ "bad URL": 1, "unknown host": 1 }));
    assert_eq!(run.stderr().lines().count(), 2, "a line each:\n{}", run.stderr());
}

#[test]
fn a_certificate_counts_only_under_an_authority_that_is_trusted() {
    let authority = Authority::new();
    let server = serve_tls(&authority, "localhost", 2);
    let url = format!("https://localhost:{}/", server.port());
    let dir = TempDir::new("cacert");
    let pem = dir.file("ca.pem", authority.0.pem().as_bytes());

    let run = fails_with(&[&url], "bad certificate");
    assert!(run.stderr().contains("UnknownIssuer"), "{}", run.stderr());

    let run = fetch(&["--json", "--cacert", pem.to_str().unwrap(), &url]);
    assert_eq!(run.code(), 0, "{}", run.stderr());
    assert_eq!(run.json().0[0]["bytes"], "secret".len());
}

#[test]
fn a_certificate_for_another_name_is_told() {
    let authority = Authority::new();
    let server = serve_tls(&authority, "elsewhere.example", 1);
    let dir = TempDir::new("wrong-name");
    let pem = dir.file("ca.pem", authority.0.pem().as_bytes());
    let url = format!("https://localhost:{}/", server.port());
    fails_with(&["--cacert", pem.to_str().unwrap(), &url], "bad certificate");
}
