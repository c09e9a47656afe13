//! Against a server that we did not write: nginx, where it is installed.

mod support;

use std::io::{BufRead, BufReader, Write};

use support::{Nginx, runtime, watched};
use sward::net::TcpStream;

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
        let files = bodies.iter().enumerate().map(|(page, body)| (page.to_string(), body.clone()));
        let Some(nginx) = Nginx::start("many_connections", files) else { return };
        let (at, bodies) = (nginx.addr(), &bodies);
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
