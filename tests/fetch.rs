//! `examples/fetch` as its users meet it: a child process, its output and its exit code.
//!
//! The servers here are std's threads and sockets, and nginx: nothing of what is under test. Whatever must happen
//! before something else is waited for, never slept for.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Barrier};
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;
use socket2::{Domain, Socket, Type};

// ---- the main job

#[test]
fn without_a_url_it_fetches_a_thousand_pages_at_once() {
    let run = fetch(&["--json"]);
    let (fetches, summary) = run.json();
    assert_eq!(run.code(), 0, "{}", run.stderr());
    assert_eq!(fetches.len(), 1_000);
    for fetch in &fetches {
        assert_eq!((&fetch["ok"], &fetch["status"]), (&true.into(), &200.into()), "{fetch}");
        assert!((512..=4_096).contains(&fetch["bytes"].as_u64().unwrap()), "{fetch}");
        assert!(fetch["ms"].as_f64().unwrap() >= 10.0, "no page comes faster: {fetch}");
        let instants = ["started_ms", "connected_ms", "answered_ms", "ended_ms"];
        assert!(instants.map(|key| fetch[key].as_f64().unwrap()).is_sorted(), "{fetch}");
    }
    assert_eq!(summary["ok"], 1_000);
    assert_eq!(summary["failed"], 0);
    let (wall, waited) = (summary["wall_ms"].as_f64().unwrap(), summary["waited_ms"].as_f64().unwrap());
    assert!(waited >= 100_000.0, "the pages' own waits alone are that long: {summary}");
    assert!(wall < waited / 4.0, "one after the other, or nearly: {summary}");
    assert_eq!(run.stderr(), "", "no progress where there is no terminal");
}

#[test]
fn the_tables_name_the_slowest_and_the_sums() {
    let run = fetch(&[]);
    assert_eq!(run.code(), 0);
    let text = run.stdout();
    for expected in
        ["the slowest 10 of 1,000:", "1,000 fetches, ", " of waiting in ", "peak in flight", "server's peak"]
    {
        assert!(text.contains(expected), "no {expected:?} in:\n{text}");
    }
    assert_eq!(text.lines().filter(|line| line.contains("/page/")).count(), 10);
    assert_eq!(cfg!(target_os = "linux"), text.contains("MiB at most"));
}

#[test]
fn all_are_in_flight_at_once() {
    // Nobody is answered before all have asked: this ends only if none waits for another.
    const ALL: usize = 200;
    let together = Barrier::new(ALL);
    let server = serve(move |_| {
        together.wait();
        Reply::ok("together")
    });
    let run = fetch_list(&["--json"], &server.urls(ALL));
    let (fetches, summary) = run.json();
    assert_eq!(run.code(), 0, "{}", run.stderr());
    assert_eq!((fetches.len(), &summary["peak_in_flight"]), (ALL, &ALL.into()));
}

#[test]
fn as_many_as_asked_for_are_in_flight_and_no_more() {
    // Ends only if three are in flight again and again.
    let three = Barrier::new(3);
    let server = serve(move |_| {
        three.wait();
        Reply::ok("three")
    });
    let run = fetch_list(&["--json", "-c", "3"], &server.urls(30));
    let (_, summary) = run.json();
    assert_eq!(run.code(), 0, "{}", run.stderr());
    assert_eq!(summary["peak_in_flight"], 3);
}

// ---- what a fetch can die of

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
fn a_redirect_without_end_is_told() {
    let server = serve(|_| Reply {
        head: "302 Found\r\nlocation: /again\r\ncontent-length: 0".into(),
        body: vec![],
        hold: false,
    });
    fails_with(&[&server.url("/")], "too many redirects");
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

// ---- TLS

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

// ---- ways in and out

#[test]
fn urls_come_from_a_file_and_from_stdin() {
    let server = serve(Reply::ok);
    let list = format!("# mine\n\n  {}  \r\n#{}\n{}", server.url("/a"), server.url("/no"), server.url("/b"));
    let dir = TempDir::new("list");
    let file = dir.file("urls", list.as_bytes());
    let wanted = [server.url("/first"), server.url("/a"), server.url("/b")];

    let by_file = fetch(&["--json", "-f", file.to_str().unwrap(), &wanted[0]]);
    let by_stdin = fetch_with(&["--json", "-f", "-", &wanted[0]], &list);
    for run in [by_file, by_stdin] {
        let (fetches, _) = run.json();
        let urls: Vec<_> = fetches.iter().map(|fetch| fetch["url"].as_str().unwrap()).collect();
        assert_eq!((run.code(), urls), (0, wanted.each_ref().map(String::as_str).to_vec()));
    }
}

#[test]
fn bodies_are_saved_apart_and_inside_the_directory() {
    let server = serve(|path| match path {
        "/404" => {
            Reply { head: "404 Not Found\r\ncontent-length: 2".into(), body: b"no".to_vec(), hold: false }
        }
        "/large" => Reply::ok(&"large".repeat(300_000)),
        _ => Reply::ok(path),
    });
    let paths = ["/same", "/same", "/SAME", "/../../up", "/a?b=/c&d", "/%2e%2e%2f", "/large", "/404", "/"];
    let urls = paths.map(|path| server.url(path));
    let dir = TempDir::new("bodies");
    let out = dir.0.join("deep/er");
    let mut args = vec!["--json", "-o", out.to_str().unwrap()];
    args.extend(urls.iter().map(String::as_str));

    for _second_time_over_the_first in 0..2 {
        let run = fetch(&args);
        assert_eq!(run.code(), 1, "the 404");
        let (fetches, _) = run.json();
        let mut names = BTreeSet::new();
        for (fetch, path) in fetches.iter().zip(paths) {
            let Some(saved) = fetch["saved"].as_str() else {
                assert_eq!(path, "/404");
                continue;
            };
            assert_eq!(Path::new(saved).parent().unwrap(), out);
            let body = fs::read(saved).unwrap();
            assert_eq!(body.len() as u64, fetch["bytes"].as_u64().unwrap());
            assert!(
                path == "/large" || body == path.as_bytes() || path.starts_with("/.."),
                "{path}: {body:?}"
            );
            names.insert(saved.to_lowercase());
        }
        assert_eq!(names.len(), paths.len() - 1, "{names:?}");
        assert_eq!(fs::read_dir(&out).unwrap().count(), names.len(), "nothing else is left there");
    }
}

#[test]
fn the_timeline_is_an_svg_with_every_fetch() {
    let server = serve(Reply::ok);
    let dir = TempDir::new("timeline");
    let picture = dir.0.join("out.svg");
    for count in [1, 30, 300] {
        let mut urls = server.urls(count);
        urls.push("http://does-not-exist.invalid/?a=\"<&>\u{1}".into());
        let run = fetch_list(&["--timeline", picture.to_str().unwrap()], &urls);
        assert_eq!(run.code(), 1);
        let text = fs::read_to_string(&picture).unwrap();
        let svg = roxmltree::Document::parse(&text).unwrap();
        assert_eq!(svg.root_element().tag_name().name(), "svg");
        let hovers = svg.descendants().filter(|node| node.attribute("class") == Some("hit"));
        assert_eq!(hovers.count(), urls.len());
        let title =
            svg.descendants().find(|node| node.has_tag_name("title")).and_then(|node| node.text()).unwrap();
        assert!(title.starts_with(&format!("{} fetches, ", urls.len())), "{title}");
    }
}

#[test]
fn a_wrong_command_line_is_exit_code_2() {
    let dir = TempDir::new("usage");
    let empty = dir.file("empty", b"# nothing\n");
    let empty = empty.to_str().unwrap();
    let inside = dir.0.join("empty/inside");
    let inside = inside.to_str().unwrap();
    let cases: &[&[&str]] = &[
        &["--no-such-option"],
        &["-c", "0"],
        &["-c", "many"],
        &["--timeout", "0"],
        &["--timeout", "soon"],
        &["-f", "/no/such/file"],
        &["-f", empty],
        &["--cacert", empty, "http://a/"],
        &["--cacert", "/no/such/file", "http://a/"],
        &["-o", inside, "http://a/"],
        &["--timeline", inside, "http://a/"],
    ];
    for case in cases {
        let run = fetch(case);
        assert_eq!(run.code(), 2, "{case:?}");
        assert_eq!(run.stdout(), "");
        assert!(!run.stderr().is_empty(), "{case:?} without a word");
    }
}

#[test]
fn help_names_every_option() {
    let help = fetch(&["--help"]).stdout();
    let options =
        ["--file", "--concurrency", "--timeout", "--cacert", "--timeline", "--output", "--json", "Exit code"];
    for option in options {
        assert!(help.contains(option), "no {option} in:\n{help}");
    }
}

// ---- a server that others wrote

#[test]
fn two_thousand_files_from_nginx() {
    const FILES: usize = 2_000;
    let dir = TempDir::new("nginx");
    let files = dir.0.join("files");
    fs::create_dir(&files).unwrap();
    for i in 0..FILES {
        fs::write(files.join(format!("{i}.txt")), format!("{i} ").repeat(i)).unwrap();
    }
    let Some(nginx) = Nginx::start(&dir) else {
        println!("skipped: nginx is not installed");
        return;
    };
    let urls: Vec<_> = (0..FILES).map(|i| format!("http://127.0.0.1:{}/{i}.txt", nginx.port)).collect();
    let sizes: Vec<_> = (0..FILES).map(|i| (i.to_string().len() + 1) * i).collect();
    for extra in [&["--json"][..], &["--json", "-c", "50"]] {
        let run = fetch_list(extra, &urls);
        let (fetches, summary) = run.json();
        assert_eq!(run.code(), 0, "{}", run.stderr());
        for (fetch, size) in fetches.iter().zip(&sizes) {
            assert_eq!(fetch["bytes"].as_u64().unwrap(), *size as u64, "{fetch}");
        }
        assert_eq!(summary["ok"], FILES);
    }
}

// ---- the child

struct Run(Output);

impl Run {
    fn code(&self) -> i32 {
        self.0.status.code().unwrap_or_else(|| panic!("{}\n{}", self.0.status, self.stderr()))
    }

    fn stdout(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    fn stderr(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).unwrap()
    }

    /// The fetches and the summary, of `--json`.
    fn json(&self) -> (Vec<Value>, Value) {
        let text = self.stdout();
        let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let last = lines.pop().unwrap_or_else(|| panic!("no output; {}", self.stderr()));
        assert_eq!(last["summary"]["fetches"], lines.len());
        (lines, last["summary"].clone())
    }
}

fn fetch(args: &[&str]) -> Run {
    fetch_with(args, "")
}

fn fetch_list(args: &[&str], urls: &[String]) -> Run {
    fetch_with(&[args, &["-f", "-"]].concat(), &urls.join("\n"))
}

fn fetch_with(args: &[&str], stdin: &str) -> Run {
    let mut command = Command::new(example());
    for proxy in ["http_proxy", "https_proxy", "all_proxy"] {
        command.env_remove(proxy).env_remove(proxy.to_uppercase());
    }
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may well have ended before it read anything.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    Run(child.wait_with_output().unwrap())
}

/// One URL (and its options) that fails: exit code 1, one line, the cause in it, in the table and in the JSON.
fn fails_with(args: &[&str], cause: &str) -> Run {
    let run = fetch(args);
    assert_eq!(run.code(), 1, "{}", run.stdout());
    let (line, url) = (run.stderr(), args.last().unwrap());
    assert_eq!(line.lines().count(), 1, "one line:\n{line}");
    assert!(line.starts_with(&format!("fetch: {url}: {cause}")), "{line}");
    assert!(run.stdout().contains(&format!("1 {cause}")), "{}", run.stdout());
    run
}

/// Cargo builds the examples beside the tests: `target/debug/{deps/this, examples/fetch}`.
fn example() -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let path = this.parent().and_then(Path::parent).unwrap().join("examples").join("fetch");
    assert!(path.exists(), "{} is missing: cargo build --example fetch", path.display());
    path
}

// ---- its servers

struct Reply {
    /// The status line from the code on, and headers.
    head: String,
    body: Vec<u8>,
    /// Keep the connection until the client closes it.
    hold: bool,
}

impl Reply {
    fn ok(body: &str) -> Self {
        let head = format!("200 OK\r\ncontent-length: {}", body.len());
        Reply { head, body: body.into(), hold: false }
    }
}

struct Server(SocketAddr);

impl Server {
    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.0)
    }

    fn urls(&self, count: usize) -> Vec<String> {
        (0..count).map(|i| self.url(&format!("/{i}"))).collect()
    }

    fn port(&self) -> u16 {
        self.0.port()
    }
}

/// A thread a connection, a request a connection. It ends with the test process.
fn serve(reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Server {
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
fn read_path(stream: &mut impl Read) -> Option<String> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    lines.find(String::is_empty)?;
    Some(path)
}

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }
}

/// Serves "secret" to so many connections, under a certificate for `name`.
fn serve_tls(authority: &Authority, name: &str, connections: usize) -> Server {
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

struct Nginx<'a> {
    dir: &'a TempDir,
    port: u16,
}

impl<'a> Nginx<'a> {
    /// `None` if there is no nginx here.
    fn start(dir: &'a TempDir) -> Option<Self> {
        // The free port may be gone again by the time nginx takes it: then the next one.
        for _ in 0..10 {
            let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
            dir.file("nginx.conf", Self::conf(port).as_bytes());
            // It leaves the terminal when it listens, and returns.
            let started = Self::command(dir).stdout(Stdio::null()).stderr(Stdio::null()).status().ok()?;
            if started.success() {
                return Some(Nginx { dir, port });
            }
        }
        panic!("nginx does not start: {}", fs::read_to_string(dir.0.join("error.log")).unwrap_or_default());
    }

    fn conf(port: u16) -> String {
        format!(
            "master_process off; pid nginx.pid; error_log error.log; worker_rlimit_nofile 8192;
             events {{ worker_connections 4096; }}
             http {{
                 access_log off;
                 client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
                 server {{ listen 127.0.0.1:{port} backlog=4096; root files; }}
             }}"
        )
    }

    fn command(dir: &TempDir) -> Command {
        let mut command = Command::new("nginx");
        // Debian has it where only root's PATH looks.
        command.env("PATH", format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default()));
        command
            .arg("-p")
            .arg(&dir.0)
            .arg("-e")
            .arg(dir.0.join("error.log"))
            .arg("-c")
            .arg(dir.0.join("nginx.conf"));
        command
    }
}

impl Drop for Nginx<'_> {
    fn drop(&mut self) {
        let _ = Self::command(self.dir).args(["-s", "stop"]).stderr(Stdio::null()).status();
    }
}

struct TempDir(PathBuf);

impl TempDir {
    fn new(name: &str) -> Self {
        let path =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fetch-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        TempDir(path)
    }

    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
