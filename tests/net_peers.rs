//! Against a server that we did not write: nginx, where it is installed.

mod support;

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::Ipv4Addr,
    path::PathBuf,
    process::{self, Child, Command, Stdio},
};

use support::{runtime, watched};
use sward::net::{SocketAddr, TcpListener, TcpStream};

/// A server for this test, stopped at its end.
struct Nginx {
    process: Child,
    dir: PathBuf,
    at: SocketAddr,
}

impl Nginx {
    /// `None` if it is not installed.
    fn start(test: &str, bodies: &[String]) -> Option<Self> {
        let dir = std::env::temp_dir().join(format!("sward-{test}-{}", process::id()));
        fs::create_dir_all(&dir).unwrap();
        for (i, body) in bodies.iter().enumerate() {
            fs::write(dir.join(i.to_string()), body).unwrap();
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let root = dir.display();
        let user = if fs::metadata("/root").is_ok() { "user root;" } else { "" };
        let conf = format!(
            "{user} daemon off; worker_processes 1; pid {root}/pid; error_log {root}/log;
             events {{ worker_connections 2048; }}
             http {{ access_log off; client_body_temp_path {root}/a; proxy_temp_path {root}/b;
                     fastcgi_temp_path {root}/c; uwsgi_temp_path {root}/d; scgi_temp_path {root}/e;
                     keepalive_requests 10000;
                     server {{ listen 127.0.0.1:{port} backlog=1024; root {root}; }} }}"
        );
        let file = dir.join("conf");
        fs::write(&file, conf).unwrap();
        let mut command = Command::new("nginx");
        command.arg("-p").arg(&dir).arg("-c").arg(&file).arg("-e").arg(dir.join("log"));
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
        let at = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        while std::net::TcpStream::connect(at).is_err() {
            assert!(process.try_wait().unwrap().is_none(), "{:?}", fs::read_to_string(dir.join("log")));
            std::thread::yield_now();
        }
        Some(Self { process, dir, at })
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // It cleans up at this signal.
        let pid = self.process.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn answer(reader: &mut impl BufRead) -> String {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert!(line.starts_with("HTTP/1.1 200"), "{line:?}");
    let mut len = 0;
    loop {
        line.clear();
        reader.read_line(&mut line).unwrap();
        match line.trim_end().split_once(": ") {
            None => break,
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                len = value.parse().unwrap()
            }
            Some(_) => {}
        }
    }
    let mut body = vec![0; len];
    reader.read_exact(&mut body).unwrap();
    String::from_utf8(body).unwrap()
}

#[test]
fn nginx_answers_on_many_connections_one_after_the_other_and_pipelined() {
    watched(|| {
        let bodies: Vec<_> = (0..20).map(|i: usize| format!("{i} ").repeat(i * i * 100)).collect();
        let Some(nginx) = Nginx::start("nginx-answers", &bodies) else {
            println!("skipped: nginx is not installed");
            return;
        };
        let (at, bodies) = (nginx.at, &bodies);
        runtime(2).run(|| {
            sward::scope(|scope| {
                for first in 0..200 {
                    scope.spawn(move || {
                        let stream = TcpStream::connect(at).unwrap();
                        let mut reader = BufReader::new(&stream);
                        for page in (first..first + 10).map(|page| page % 20) {
                            write!(&stream, "GET /{page} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
                            assert_eq!(answer(&mut reader), bodies[page]);
                        }
                    });
                }
                // All questions at once, by one green thread, and the answers by another.
                let stream = TcpStream::connect(at).unwrap();
                let asker = stream.try_clone().unwrap();
                scope.spawn(move || {
                    for page in (0..20).cycle().take(400) {
                        write!(&asker, "GET /{page} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
                    }
                });
                let mut reader = BufReader::new(stream);
                for page in (0..20).cycle().take(400) {
                    assert_eq!(answer(&mut reader), bodies[page]);
                }
            });
        });
    });
}
